//! Plots of time against the size of the work.

use std::fmt::Write as _;

/// A curve: its name and its points, in the units of the axes.
#[derive(Debug)]
pub struct Curve {
    /// Text of the legend.
    pub name: String,
    /// Points from left to right.
    pub points: Vec<(f64, f64)>,
}

/// A plot with one or several curves.
#[derive(Debug)]
pub struct Plot {
    /// Title.
    pub title: &'static str,
    /// Label of the horizontal axis.
    pub x: &'static str,
    /// Label of the vertical axis.
    pub y: &'static str,
    /// The curves.
    pub curves: Vec<Curve>,
}

const WIDTH: f64 = 560.0;
const HEIGHT: f64 = 320.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 16.0;
const TOP: f64 = 40.0;
const BOTTOM: f64 = 48.0;
/// Colours that can be told apart on white and on black.
const COLOURS: [&str; 3] = ["#3584c8", "#d9663b", "#4a9c5d"];

impl Plot {
    /// The points as text, a curve a line.
    #[must_use]
    pub fn points(&self) -> String {
        let mut text = format!("{}: {} by {}\n", self.title, self.y, self.x);
        for Curve { name, points } in &self.curves {
            let points = points.iter().map(|(x, y)| format!(" {x}: {y:.3}"));
            let _ = writeln!(text, "  {name}:{}", points.collect::<String>());
        }
        text
    }

    /// The picture, readable on a light and on a dark page. Both axes begin at 0.
    #[must_use]
    pub fn svg(&self) -> String {
        let points = || self.curves.iter().flat_map(|curve| &curve.points);
        let x_step = step(points().map(|point| point.0).fold(0.0, f64::max));
        let y_step = step(points().map(|point| point.1).fold(0.0, f64::max));
        let x_end = end(points().map(|point| point.0).fold(0.0, f64::max), x_step);
        let y_end = end(points().map(|point| point.1).fold(0.0, f64::max), y_step);
        let across = |x: f64| LEFT + x / x_end * (WIDTH - LEFT - RIGHT);
        let up = |y: f64| HEIGHT - BOTTOM - y / y_end * (HEIGHT - TOP - BOTTOM);

        let mut out = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" \
             role=\"img\" aria-label=\"{title}\" font-family=\"sans-serif\" font-size=\"12\">\n\
             <style>text{{fill:#333}}.axis{{stroke:#999}}\
             @media(prefers-color-scheme:dark){{text{{fill:#ccc}}.axis{{stroke:#666}}}}</style>\n\
             <text x=\"{LEFT}\" y=\"18\" font-size=\"14\">{title}</text>\n",
            title = self.title,
        );
        let mut x = 0.0;
        while x <= x_end * 1.001 {
            let (at, bottom) = (across(x), HEIGHT - BOTTOM);
            let _ = writeln!(
                out,
                "<path class=\"axis\" stroke-width=\"0.5\" d=\"M{at:.1} {TOP}V{bottom}\"/>\
                 <text x=\"{at:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
                bottom + 16.0,
                number(x),
            );
            x += x_step;
        }
        let mut y = 0.0;
        while y <= y_end * 1.001 {
            let (at, right) = (up(y), WIDTH - RIGHT);
            let _ = writeln!(
                out,
                "<path class=\"axis\" stroke-width=\"0.5\" d=\"M{LEFT} {at:.1}H{right}\"/>\
                 <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
                LEFT - 6.0,
                at + 4.0,
                number(y),
            );
            y += y_step;
        }
        let _ = writeln!(
            out,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>\
             <text x=\"14\" y=\"{:.1}\" text-anchor=\"middle\" transform=\"rotate(-90 14 {:.1})\">{}</text>",
            (LEFT + WIDTH - RIGHT) / 2.0,
            HEIGHT - 10.0,
            self.x,
            (TOP + HEIGHT - BOTTOM) / 2.0,
            (TOP + HEIGHT - BOTTOM) / 2.0,
            self.y,
        );
        for (index, (curve, colour)) in self.curves.iter().zip(COLOURS).enumerate() {
            let path: Vec<String> = curve
                .points
                .iter()
                .map(|(x, y)| format!("{:.1} {:.1}", across(*x), up(*y)))
                .collect();
            let _ = writeln!(
                out,
                "<path fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\" d=\"M{}\"/>",
                path.join("L"),
            );
            for (x, y) in &curve.points {
                let (x, y) = (across(*x), up(*y));
                let _ = writeln!(
                    out,
                    "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\" fill=\"{colour}\"/>"
                );
            }
            if self.curves.len() > 1 {
                let (x, y) = (LEFT + 12.0, TOP + 18.0 + 18.0 * index as f64);
                let _ = writeln!(
                    out,
                    "<circle cx=\"{x}\" cy=\"{:.1}\" r=\"4\" fill=\"{colour}\"/>\
                     <text x=\"{:.1}\" y=\"{y}\">{}</text>",
                    y - 4.0,
                    x + 10.0,
                    curve.name,
                );
            }
        }
        out.push_str("</svg>\n");
        out
    }
}

/// A round distance between lines, so that there are four to ten of them.
fn step(greatest: f64) -> f64 {
    let mut step = 1e-3;
    loop {
        for factor in [1.0, 2.0, 5.0] {
            if greatest <= step * factor * 8.0 {
                return step * factor;
            }
        }
        step *= 10.0;
    }
}

/// The first line at or behind the greatest value.
fn end(greatest: f64, step: f64) -> f64 {
    (greatest / step).ceil().max(1.0) * step
}

fn number(value: f64) -> String {
    // Without what the sum of steps adds behind the digits that count.
    let text = format!("{value:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_stand_at_round_numbers() {
        assert_eq!(step(60.0), 10.0);
        assert_eq!(step(3.2), 0.5);
        assert_eq!(end(3.2, 0.5), 3.5);
        assert_eq!(number(0.30000000000000004), "0.3");
        assert_eq!(number(40.0), "40");
    }

    #[test]
    fn every_point_is_drawn() {
        let plot = Plot {
            title: "t",
            x: "x",
            y: "y",
            curves: vec![Curve {
                name: "c".into(),
                points: vec![(0.0, 1.0), (5.0, 2.0)],
            }],
        };
        assert_eq!(plot.svg().matches("<circle").count(), 2);
    }
}
