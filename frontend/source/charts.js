// Charts of time series. The numbers stand in a table below, for those who do not see the picture.
import uPlot from "uplot";

const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const COLORS = ["--line-1", "--line-2", "--line-3", "--line-4"];
const DASHES = [[], [6, 3], [2, 2], [8, 2, 2, 2]];

async function read(figure) {
  const inline = figure.querySelector('script[type="application/json"]');
  if (inline) return JSON.parse(inline.textContent);
  return (await fetch(figure.dataset.seriesUrl)).json();
}

// {"times": [epoch ms] or "values": [numbers], "series": [{"name", "values"}]}
async function draw(figure) {
  const data = await read(figure);
  const isTime = Boolean(data.times);
  const xs = isTime ? data.times.map((ts) => ts / 1000) : data.values;
  if (!xs.length) return;
  const axis = { stroke: color("--text"), grid: { stroke: color("--line"), width: 1 }, ticks: { stroke: color("--line") } };
  const place = document.createElement("div");
  place.className = "plot";
  figure.prepend(place);
  const plot = new uPlot({
    width: figure.clientWidth, height: 200, scales: { x: { time: isTime } }, axes: [axis, { ...axis, size: 60 }],
    series: [{ label: isTime ? "time" : data.label ?? "value" }, ...data.series.map(({ name }, at) => ({
      label: name, stroke: color(COLORS[at % COLORS.length]), dash: DASHES[at % DASHES.length], width: 2, points: { show: xs.length < 40 } }))],
  }, [xs, ...data.series.map(({ values }) => values)], place);
  new ResizeObserver(() => plot.setSize({ width: figure.clientWidth, height: 200 })).observe(figure);
}

document.addEventListener("DOMContentLoaded", () => document.querySelectorAll("figure[data-chart]").forEach(draw));
