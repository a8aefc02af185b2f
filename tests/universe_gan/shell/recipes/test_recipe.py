"""Recipes: every mistake at once, in words; flags win over the file; secrets are refused."""

from pathlib import Path

import pytest

from universe_gan.shell.failures import explain
from universe_gan.shell.recipes.recipe import RecipeMissing, RecipeWrong, find, load, shipped
from universe_gan.shell.recipes.starting import pattern_path

GOOD = """
[collect]
subject = "nebula"
limit = 10
[collect.commons]
categories = ["Planetary nebulae"]
"""


def a_recipe(folder: Path, text: str = GOOD, name: str = "nebulae") -> Path:
    path = folder / "manifests" / f"{name}.toml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def problems(folder: Path, text: str, *overrides: str) -> list[str]:
    with pytest.raises(RecipeWrong) as caught:
        load(a_recipe(folder, text), overrides)
    return list(caught.value.problems)


def test_a_recipe_knows_where_its_things_lie(tmp_path: Path) -> None:
    recipe = load(a_recipe(tmp_path))
    assert recipe.manifest == tmp_path / "manifests" / "nebulae.jsonl"
    assert recipe.data == tmp_path / "data" / "nebulae"
    assert load(a_recipe(tmp_path), data=tmp_path / "big disk").data == tmp_path / "big disk" / "nebulae"


def test_all_mistakes_are_named_at_once(tmp_path: Path) -> None:
    text = """
        [collect]
        comons = 1
        subject = "nebula"
        limit = "many"
        [collect.commons]
        categories = "Planetary nebulae"
        depht = 3
        [trian]
        """
    assert problems(tmp_path, text) == [
        "[trian] is not a section (did you mean train?)",
        "[collect.commons] categories = 'Planetary nebulae' is not a list: [\"…\"]",
        "[collect.commons] depht is not a setting (did you mean depth?)",
        "[collect] limit = 'many' is not a whole number",
        "[collect] comons is not a setting (did you mean commons?)",
    ]


def test_what_does_not_go_together_is_told_with_what_is_wrong_by_itself(tmp_path: Path) -> None:
    text = """
        [collect]
        subject = "planet"
        limit = 0
        shares = { real = 0.4, fictive = 0.5 }
        [collect.nasa]
        query = []
        kind = "real"
        [collect.flickr]
        api = "nowhere"
        since = 2020-01-02
        until = 2020-01-01
        [policy]
        purpose = "fun"
        allow = ["bye", "pb"]
        """
    path = a_recipe(tmp_path, text, name="my planets")
    with pytest.raises(RecipeWrong) as caught:
        load(path)
    assert [problem.partition(" (")[0] for problem in caught.value.problems] == [
        "the file name 'my planets' is not letters, digits, '.', '_' and '-'",
        "[collect.nasa] query is empty",
        "[collect.flickr] api = 'nowhere': is not the address of an API",
        "[collect.flickr] names nothing to look for: set text, tags, user_ids or groups",
        "[collect.flickr] until = 2020-01-01: it is before since = 2020-01-02",
        "[collect] limit = 0 is too small: 1 at least",
        "[collect] shares = {'real': 0.4, 'fictive': 0.5}: the shares add up to 0.9, not to 1",
        "[policy] purpose = 'fun' is none of publish, train, private",
        '[collect.flickr] has no kind, so [collect] shares cannot place its images: write kind = "fictive"'
        ' or "real"',
        "[policy] allow names 'bye', which is neither a licence class nor an id",
        "[policy] allow names 'pb', which is neither a licence class nor an id",
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "[collect] is missing"),
        ("[collect]\nsubject = 'x'", "[collect] names no source"),
        ("[collect.commons]\ncategories = ['x']", "[collect] subject is missing"),
        (GOOD + "[polcy]", "[polcy] is not a section (did you mean policy?)"),
        (GOOD + "[policy]\nallow = ['bye']", "[policy] "),
        (GOOD + "[policy]\nunknown = 'revew'", "is none of refuse, review (did you mean review?)"),
        (GOOD + "[curate]\nsize = 0", "[curate] size = 0"),
        (GOOD + "[curate]\nduplicates = 'maybe'", "is not true or false"),
        ("collect = 3", "collect must be a section"),
        ("[collect\nsubject", "not TOML"),
    ],
)
def test_a_mistake_is_put_in_words(tmp_path: Path, text: str, words: str) -> None:
    assert any(words in problem for problem in problems(tmp_path, text)), problems(tmp_path, text)


@pytest.mark.parametrize("key", ["api_key", "secret", "flickr_api_secret", "token", "password", "HF_TOKEN"])
def test_a_secret_in_a_recipe_is_refused_by_name(tmp_path: Path, key: str) -> None:
    found = problems(tmp_path, GOOD + f'{key} = "hunter2"')
    assert f"[collect.commons] {key} looks like a secret; secrets belong in the environment" in found
    assert not any("hunter2" in problem and "looks like" in problem for problem in found)


def test_a_password_in_an_address_is_refused_because_recipes_are_published(tmp_path: Path) -> None:
    found = problems(tmp_path, GOOD + 'api = "https://ada:hunter2@wiki.example.org/w/api.php"')
    words = "[collect.commons] api holds a password; recipes are published with the dataset"
    assert words in found
    calm = GOOD + 'api = "https://wiki.example.org:8443/w/api.php"'
    assert load(a_recipe(tmp_path, calm)).name == "nebulae"


def test_set_wins_over_the_file(tmp_path: Path) -> None:
    recipe = load(
        a_recipe(tmp_path),
        ["collect.limit=3", "collect.commons.depth=1", "curate.format=webp", 'policy.allow=["pd"]'],
    )
    assert recipe.plan.settings.limit == 3
    assert recipe.plan.sources[0][1].depth == 1
    assert recipe.curate.format == "webp"
    assert recipe.policy.allow == ("pd",)


@pytest.mark.parametrize("override", ["limit=3", "collect.limit", "collect..limit=3", "=3"])
def test_a_set_that_is_not_understood_is_named(tmp_path: Path, override: str) -> None:
    assert problems(tmp_path, GOOD, override) == [f"--set {override}: write section.key=value"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[publish]\nrepo = 'nebulae'", "[publish] repo = 'nebulae' is not of the form user/name"),
        ("[curate]\nsize = 8", "[curate] size = 8 is too small: 16 at least"),
        ("[curate]\nsize = 9000", "[curate] size = 9000 is too large: 4096 at most"),
        ("[curate]\nheld_out = 1", "[curate] held_out = 1 is too large: less than 1"),
        ("[train]\nkimg = 0", "[train] kimg = 0 is too small: more than 0"),
        ("[curate.screen]\ntext = 2", "[curate.screen] text = 2 is too large: 1 at most"),
        ("[collect.nasa]\nquery = []", "[collect.nasa] query is empty"),
        ("[collect.folder]\npath = ''", "[collect.folder] path is empty"),
        ("[collect.nasa]\nquery = ['x']\nkind = 3", "kind = 3 is none of real, fictive"),
    ],
)
def test_limits_and_forms_are_told_in_our_words(tmp_path: Path, text: str, words: str) -> None:
    found = problems(tmp_path, GOOD + text)
    assert any(words in one for one in found), found
    assert not any("nput should" in one or "should match" in one or "should have" in one for one in found)


def test_a_wrong_set_is_blamed_on_the_flag_and_not_on_the_file(tmp_path: Path) -> None:
    path = a_recipe(tmp_path)
    with pytest.raises(RecipeWrong) as raised:
        load(path, ["curate.size=tiny"])
    told = str(explain(raised.value))
    assert told.startswith("error: --set has 1 mistake\n  [curate] size = 'tiny' is not a whole number\n")
    assert "correct the --set" in told
    assert str(path) not in told
    path = a_recipe(tmp_path, GOOD + "[trian]")
    with pytest.raises(RecipeWrong) as raised:
        load(path, ["curate.size=tiny"])
    told = str(explain(raised.value))
    assert f"error: {path} and --set have 2 mistakes" in told
    assert "edit the file and correct the --set" in told


def test_the_recipe_hash_follows_meaning_not_spelling(tmp_path: Path) -> None:
    plain = load(a_recipe(tmp_path)).plan.recipe_sha256
    spelled = load(a_recipe(tmp_path, GOOD + "depth = 3  # the default\n")).plan.recipe_sha256
    other = load(a_recipe(tmp_path, GOOD + "depth = 2\n")).plan.recipe_sha256
    assert plain == spelled != other


def test_a_bare_name_is_looked_for_in_manifests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    a_recipe(tmp_path)
    monkeypatch.chdir(tmp_path)
    assert find("nebulae") == Path("manifests/nebulae.toml")
    assert find("manifests/nebulae.jsonl") == Path("manifests/nebulae.toml")


def test_a_folder_means_the_one_recipe_in_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("demo/manifests").mkdir(parents=True)
    Path("demo/manifests/sample.toml").write_text(GOOD)
    assert find("demo") == Path("demo/manifests/sample.toml")
    Path("demo/manifests/other.toml").write_text(GOOD)
    assert find("demo") == Path("manifests/demo.toml"), "which of the two?"


def test_a_missing_recipe_is_an_error_of_its_own(tmp_path: Path) -> None:
    with pytest.raises(RecipeMissing):
        load(tmp_path / "nothing.toml")


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    path = a_recipe(tmp_path)
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(RecipeWrong, match="not UTF-8"):
        load(path)


def test_every_shipped_recipe_loads() -> None:
    assert "nebulae" in shipped()
    for name in shipped():
        assert load(pattern_path(name)).plan.sources
