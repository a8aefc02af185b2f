
# What the tests add to the settings the installer wrote. "$$" is a dollar sign: Python fills in the rest.
$$wgServer = '$address';
$$wgCanonicalServer = '$address';
$$wgArticlePath = '/wiki/$$1';
$$wgEnableUploads = true;
$$wgFileExtensions = [ 'png', 'gif', 'jpg', 'jpeg', 'webp', 'svg', 'pdf', 'tif', 'tiff' ];
$$wgUploadDirectory = '$root/images';
$$wgUploadPath = '/images';
$$wgTmpDirectory = '$root/tmp';
$$wgCacheDirectory = '$root/cache';
$$wgMainCacheType = CACHE_ACCEL;
$$wgLocalisationCacheConf['store'] = 'array';
$$wgJobRunRate = 0;
$$wgUseImageMagick = false;
$$wgSVGConverter = false;
$$wgRateLimits = [];
$$wgPingback = false;
$$wgShowExceptionDetails = true;
$$wgSharedTables = [];
foreach ( [ 'edit', 'createpage', 'upload', 'reupload', 'move', 'movefile', 'suppressredirect', 'delete' ] as $$right ) {
	$$wgGroupPermissions['*'][$$right] = true;
}

# A small CommonsMetadata: fields scraped from the description page, one licence however many templates there are
# (public domain before Creative Commons before all others), the values HTML. MediaWiki itself caches them by SHA-1.
$$wgHooks['GetExtendedMetadata'][] = static function ( &$$data, $$file ) {
	$$page = MediaWiki\MediaWikiServices::getInstance()->getWikiPageFactory()->newFromTitle( $$file->getTitle() );
	$$content = $$page->getContent();
	$$text = $$content ? $$content->getText() : '';
	if ( stripos( $$text, '{{no metadata' ) !== false ) {
		$$data = [];
		return true;
	}
	$$put = static function ( $$name, $$value ) use ( &$$data ) {
		$$data[$$name] = [ 'value' => $$value, 'source' => 'commons-desc-page' ];
	};
	$$html = static function ( $$wikitext ) use ( $$file ) {
		$$options = ParserOptions::newFromAnon();
		$$parser = MediaWiki\MediaWikiServices::getInstance()->getParserFactory()->create();
		$$out = $$parser->parse( trim( $$wikitext ), $$file->getTitle(), $$options )
			->getText( [ 'unwrap' => true, 'enableSectionEditLinks' => false ] );
		$$out = trim( preg_replace( '/<!--.*?-->/s', '', $$out ) );
		return preg_match( '~^<p>((?:(?!<p>).)*)</p>$$~s', $$out, $$inner ) ? trim( $$inner[1] ) : $$out;
	};
	$$fields = [ 'author' => 'Artist', 'description' => 'ImageDescription', 'source' => 'Credit',
		'date' => 'DateTimeOriginal', 'attribution' => 'Attribution', 'permission' => 'Permission' ];
	preg_match_all( '/^\|\s*(\w+)\s*=(.*?)(?=^\||^\}\})/msu', $$text, $$found, PREG_SET_ORDER );
	foreach ( $$found as [ , $$name, $$value ] ) {
		if ( isset( $$fields[$$name] ) && trim( $$value ) !== '' ) {
			$$put( $$fields[$$name], $$html( $$value ) );
		}
	}
	$$licences = json_decode( file_get_contents( '$root/conf/licences.json' ), true );
	preg_match_all( '/\{\{\s*([^|{}]+?)\s*[|}]/u', $$text, $$templates );
	$$best = null;
	foreach ( $$templates[1] as $$template ) {
		$$licence = $$licences[strtolower( $$template )] ?? null;
		if ( $$licence && ( !$$best || $$licence['rank'] < $$best['rank'] ) ) {
			$$best = $$licence;
		}
		if ( strtolower( $$template ) === 'trademarked' ) {
			$$put( 'Restrictions', 'trademarked' );
		}
	}
	foreach ( $$best['fields'] ?? [] as $$name => $$value ) {
		$$put( $$name, $$value );
	}
	return true;
};

# As CommonsMetadata does: what was remembered of a page is forgotten once the page was edited.
$$wgHooks['ValidateExtendedMetadataCache'][] = static function ( $$timestamp, $$file ) {
	$$touched = $$file->getTitle()->getTouched();
	return !$$touched || wfTimestamp( TS_UNIX, $$touched ) < wfTimestamp( TS_UNIX, $$timestamp );
};
