"""The picture: well-formed, complete, and true to the figures."""

from xml.etree import ElementTree

from benchmarks.chart import draw
from benchmarks.plan import Work
from tests.benchmarks.rows import report, sample

SVG = "{http://www.w3.org/2000/svg}"


def test_every_kind_of_work_and_every_peer_is_drawn() -> None:
    picture = ElementTree.fromstring(
        draw(report(sample("a", 2.0), sample("b <&> c", 1.0), sample("a", 1.0, work=Work.TUS_UP)))
    )

    words = [text.text for text in picture.iter(f"{SVG}text")]
    assert words == [
        "1 GiB up", "a", "2.00 s (× 1.00)", "b <&> c", "1.00 s (× 0.50)",
        "1 GiB up over HTTP, resumable", "a", "1.00 s (× 1.00)",
    ]  # fmt: skip


def test_bars_are_as_long_as_their_seconds_and_the_sync_is_part_of_them() -> None:
    picture = ElementTree.fromstring(draw(report(sample("a", 1.0, sync=1.0), sample("b", 1.0))))

    bars = {bar.attrib["class"]: float(bar.attrib["width"]) for bar in picture.iter(f"{SVG}rect")}
    assert bars["ours"] * 2 == max(float(bar.attrib["width"]) for bar in picture.iter(f"{SVG}rect"))
    assert bars["peer"] == bars["sync"] == bars["ours"]


def test_all_bars_lie_inside_the_picture() -> None:
    picture = ElementTree.fromstring(draw(report(*(sample(str(number), 1.0) for number in range(9)))))

    width, height = map(float, picture.attrib["viewBox"].split()[2:])
    for bar in picture.iter(f"{SVG}rect"):
        assert float(bar.attrib["x"]) + float(bar.attrib["width"]) < width
        assert float(bar.attrib["y"]) + float(bar.attrib["height"]) < height
