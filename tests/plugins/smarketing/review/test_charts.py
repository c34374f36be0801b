from __future__ import annotations

from smarketing.review.charts import history, pace, trend

from tests.plugins.smarketing.review.boards import conversion, line, money, months, period


def test_periods_differ_in_form_and_not_only_in_colour() -> None:
    chart = history(line(before=months("met", "missed", "maturing")))
    assert [bar.form for bar in chart.bars] == ["solid", "hollow", "dotted", "running"]
    assert [bar.title for bar in chart.bars][:2] == [
        "Jul 2026: 250, target ≥\N{NO-BREAK SPACE}240, met",
        "Aug 2026: 250, target ≥\N{NO-BREAK SPACE}240, missed",
    ]
    assert chart.summary == "Last 3 months: 1 met, 1 missed, 1 without verdict."


def test_no_bar_leaves_its_chart() -> None:
    values = ["0", "0.004", "250", "100000"]
    before = [each for value in values for each in months("met", actual=value)]
    chart = history(line(before=before), height=40)
    for bar in chart.bars:
        assert 0 <= bar.x < bar.x + bar.width <= chart.width
        assert 0 <= bar.y < bar.y + bar.height <= chart.height


def test_pace_puts_everything_on_one_scale() -> None:
    bar = pace(period(actual="120", target="240", expected_to_date="60", forecast="480"))
    assert (bar.actual, bar.due, bar.target, bar.forecast) == (23.15, 11.57, 46.3, 92.59)


def test_a_share_is_due_in_full_and_has_no_forecast() -> None:
    bar = pace(conversion(actual="0.2", expected_to_date="0.3", forecast="0.2"))
    assert (bar.due, bar.forecast) == (None, None)
    assert bar.summary == "20.0%, target ≥\N{NO-BREAK SPACE}30.0%"


def test_nothing_yet_is_an_empty_bar() -> None:
    assert pace(period("pending")).actual == 0


def test_money_has_a_pace_as_counts_have() -> None:
    shown = pace(money(actual="250000", expected_to_date="100000", forecast="1000000"))
    assert shown.forecast is not None
    assert shown.due is not None
    assert 0 < shown.due < shown.actual < shown.target < shown.forecast <= 100


def test_a_loss_is_an_empty_bar() -> None:
    lost = money(metric="roi", unit="ratio", target="3", actual="-1")
    assert pace(lost).actual == 0
    [bar] = history(line(lost)).bars
    assert bar.height > 0


def test_a_trend_breaks_where_a_night_has_no_figure() -> None:
    chart = trend([0.5, 0.25, None, 1.0], height=108)
    assert chart.lines == ["M0 58L3 83", "M9 8"]
    assert chart.end == (9, 8)
    assert chart.allowed is None
    assert chart.width == 9
    assert "50.0% at first, 100.0% tonight, 100.0% at worst" in chart.summary


def test_a_trend_shows_what_is_allowed_also_where_nothing_comes_near_it() -> None:
    chart = trend([0.0, 0.0], allowed=0.8, height=108)
    assert chart.allowed == 28
    assert chart.lines == ["M0 108L3 108"]


def test_a_trend_without_figures_is_an_empty_one() -> None:
    assert trend([]).lines == []
    assert trend([None]).end is None
    assert trend([None]).summary == "No figure yet."
    assert "for the first time" in trend([0.1]).summary
