//! The picture: false departures against delay, readable on light and dark pages.

use super::{Curve, Point, Rule};

/// The curve as a drawing that needs nothing else.
#[must_use]
pub fn picture(curve: &Curve) -> String {
    let frame = Frame::around(&curve.points);
    let mut out = String::from(HEAD);
    out.push_str(&frame.axes());
    for (index, rule) in [Rule::Best, Rule::Engine, Rule::Fixed].into_iter().enumerate() {
        let points: Vec<&Point> = curve.points.iter().filter(|it| it.rule == rule).collect();
        out.push_str(&frame.series(rule, &points, 50));
        out.push_str(&frame.series(rule, &points, 95));
        out.push_str(&legend(rule, index));
    }
    put(&mut out, format_args!("<text x=\"60\" y=\"24\" class=\"title\">{TITLE}</text>\n"));
    let days = curve.households * curve.days;
    put(
        &mut out,
        format_args!(
            "<text x=\"60\" y=\"42\" class=\"small\">dozing phones, local network alone, {days} \
             days of households; solid: median delay, dashed: 95 of 100</text>\n</svg>\n"
        ),
    );
    out
}

/// Where values lie on the page: minutes to the right, false departures upwards by decades.
struct Frame {
    minutes: f64,
    top: i32,
}

impl Frame {
    fn around(points: &[Point]) -> Self {
        let most = points.iter().map(|it| minutes(it, 95)).fold(10.0, f64::max);
        let false_most = points.iter().map(|it| it.score.false_per_day()).fold(1.0, f64::max);
        let mut top = 0;
        while 10_f64.powi(top) < false_most {
            top += 1;
        }
        Self { minutes: (most / 10.0).ceil() * 10.0, top }
    }

    fn x(&self, minutes: f64) -> f64 {
        LEFT + (RIGHT - LEFT) * minutes / self.minutes
    }

    fn y(&self, false_left: f64) -> f64 {
        let (low, high) = (f64::from(LOWEST), f64::from(self.top));
        let decade = false_left.max(10_f64.powi(LOWEST)).log10();
        BOTTOM - (BOTTOM - TOP) * (decade - low) / (high - low)
    }

    fn axes(&self) -> String {
        let mut out = String::new();
        for decade in LOWEST..=self.top {
            let value = 10_f64.powi(decade);
            let y = self.y(value);
            put(
                &mut out,
                format_args!(
                    "<path class=\"grid\" d=\"M{LEFT} {y:.1}H{RIGHT}\"/>\
                     <text x=\"52\" y=\"{:.1}\" text-anchor=\"end\">{value}</text>\n",
                    y + 4.0
                ),
            );
        }
        let mut at = 0.0;
        while at <= self.minutes {
            let x = self.x(at);
            put(
                &mut out,
                format_args!(
                    "<path class=\"grid\" d=\"M{x:.1} {TOP}V{BOTTOM}\"/>\
                     <text x=\"{x:.1}\" y=\"418\" text-anchor=\"middle\">{at:.0}</text>\n"
                ),
            );
            at += 10.0;
        }
        out.push_str(
            "<text x=\"400\" y=\"442\" text-anchor=\"middle\">leave delay, minutes</text>\n\
             <text transform=\"translate(16 230) rotate(-90)\" text-anchor=\"middle\">false \
             departures per device and day</text>\n",
        );
        out
    }

    fn series(&self, rule: Rule, points: &[&Point], percent: usize) -> String {
        let place = |it: &Point| (self.x(minutes(it, percent)), self.y(it.score.false_per_day()));
        let dashed = if percent == 95 { " dashed" } else { "" };
        let class = class(rule);
        let mut out = String::new();
        if rule != Rule::Fixed {
            let path: Vec<String> =
                points.iter().map(|it| place(it)).map(|(x, y)| format!("{x:.1} {y:.1}")).collect();
            put(
                &mut out,
                format_args!("<path class=\"line {class}{dashed}\" d=\"M{}\"/>\n", path.join("L")),
            );
        }
        for it in points {
            let (x, y) = place(it);
            let wait = it.wait.as_secs();
            put(
                &mut out,
                format_args!(
                    "<circle class=\"{class}{dashed}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4\"><title>\
                     {} {wait} s: {:.2} false a day, {:.1} min</title></circle>\n",
                    rule.word(),
                    it.score.false_per_day(),
                    minutes(it, percent),
                ),
            );
            if percent == 50 && rule == Rule::Fixed {
                let (x, y) = (x + 7.0, y - 6.0);
                put(
                    &mut out,
                    format_args!("<text class=\"small\" x=\"{x:.1}\" y=\"{y:.1}\">{wait} s</text>"),
                );
            }
        }
        out
    }
}

fn legend(rule: Rule, index: usize) -> String {
    let y = 74 + 20 * index;
    format!(
        "<circle class=\"{}\" cx=\"600\" cy=\"{y}\" r=\"5\"/><text x=\"612\" y=\"{}\">{}</text>\n",
        class(rule),
        y + 4,
        rule.word()
    )
}

fn minutes(point: &Point, percent: usize) -> f64 {
    point.score.delay(percent).as_secs_f64() / 60.0
}

fn class(rule: Rule) -> &'static str {
    match rule {
        Rule::Best => "best",
        Rule::Engine => "engine",
        Rule::Fixed => "fixed",
    }
}

fn put(out: &mut String, text: std::fmt::Arguments<'_>) {
    out.push_str(&text.to_string());
}

const TITLE: &str = "Patience and its price";
const LEFT: f64 = 60.0;
const RIGHT: f64 = 740.0;
const TOP: f64 = 60.0;
const BOTTOM: f64 = 400.0;
/// The lowest decade shown; none at all is drawn there.
const LOWEST: i32 = -3;
const HEAD: &str = r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 760 450" role="img" aria-label="False departures per device and day against leave delay">
<style>
svg { font: 12px system-ui, sans-serif; background: #fff; color: #1d2330 }
text { fill: currentColor }
.title { font-size: 16px; font-weight: 600 }
.small { font-size: 11px }
.grid { stroke: currentColor; stroke-opacity: .15; fill: none }
.line { fill: none; stroke-width: 2 }
.dashed { stroke-dasharray: 5 4; fill-opacity: .45 }
.best { stroke: #6b7280; fill: #6b7280 }
.engine { stroke: #1f6feb; fill: #1f6feb }
.fixed { stroke: #c2410c; fill: #c2410c }
path.line { fill: none }
@media (prefers-color-scheme: dark) {
  svg { background: #12161f; color: #e6e9ef }
  .best { stroke: #9aa4b2; fill: #9aa4b2 }
  .engine { stroke: #6cb0ff; fill: #6cb0ff }
  .fixed { stroke: #ff9d6b; fill: #ff9d6b }
}
</style>
"#;
