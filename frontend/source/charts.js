// Charts of time series. The numbers stand in a table below, for those who do not see the picture.
import uPlot from "uplot";
import { color, onThemeChange } from "./theme.js";

const LINES = ["--line-1", "--line-2", "--line-3", "--line-4"];
const DASHES = [[], [6, 3], [2, 2], [8, 2, 2, 2]];
const HEIGHT = 200;
const MOST_ROWS = 500;
const format = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const plots = new Map();

async function read(figure) {
  const inline = figure.querySelector('script[type="application/json"]');
  if (inline) return JSON.parse(inline.textContent);
  const answer = await fetch(figure.dataset.seriesUrl);
  if (!answer.ok) throw new Error(answer.statusText);
  return answer.json();
}

function cell(name, text) {
  const one = document.createElement(name);
  one.textContent = text;
  if (name === "th") one.scope = "col";
  else if (typeof text === "number") one.className = "number";
  return one;
}

function tabulate({ times, values: xs, series, label = "value" }, title) {
  const details = document.createElement("details");
  const summary = document.createElement("summary");
  summary.textContent = "As numbers";
  const scroll = document.createElement("div");
  scroll.className = "scroll";
  scroll.tabIndex = 0;
  scroll.setAttribute("role", "region");
  scroll.setAttribute("aria-label", `${title}, as numbers`);
  const table = document.createElement("table");
  const head = table.createTHead().insertRow();
  head.append(cell("th", times ? "Time" : label), ...series.map(({ name }) => cell("th", name)));
  const body = table.createTBody();
  const count = (times ?? xs).length;
  for (let at = count - 1; at >= Math.max(0, count - MOST_ROWS); at -= 1) {
    body.insertRow().append(cell("td", times ? format.format(times[at]) : xs[at]), ...series.map(({ values }) => cell("td", values[at] ?? "-")));
  }
  scroll.append(table);
  details.append(summary, scroll);
  if (count > MOST_ROWS) details.append(`The newest ${MOST_ROWS} of ${count}.`);
  return details;
}

function plot(place, { times, values, series, label = "value" }) {
  const xs = times ? times.map((ts) => ts / 1000) : values;
  const line = (at) => LINES[at % LINES.length];
  const axis = { stroke: () => color("--text"), grid: { stroke: () => color("--line"), width: 1 }, ticks: { stroke: () => color("--line") } };
  return new uPlot({
    width: place.clientWidth, height: HEIGHT, scales: { x: { time: Boolean(times) } }, axes: [axis, { ...axis, size: 60 }],
    legend: { markers: { stroke: (_, at) => `var(${line(at - 1)})` } },
    series: [{ label: times ? "time" : label }, ...series.map(({ name }, at) => ({
      label: name, stroke: () => color(line(at)), dash: DASHES[at % DASHES.length], width: 2, points: { show: xs.length < 40, fill: () => color("--card") } }))],
  }, [xs, ...series.map((one) => one.values)], place);
}

// {"times": [epoch ms] or "values": [numbers], "series": [{"name", "values"}]}
async function draw(figure) {
  const place = document.createElement("div");
  place.className = "plot";
  figure.prepend(place);
  let data;
  try {
    data = await read(figure);
  } catch {
    place.textContent = "The numbers could not be loaded. Load the page again.";
    return;
  }
  if (!(data.times ?? data.values).length) {
    place.textContent = "There is nothing to draw yet.";
    return;
  }
  // A page may have a table of its own, which needs no scripts.
  if (!figure.parentElement.querySelector(":scope > table, details, .scroll")) figure.append(tabulate(data, figure.getAttribute("aria-label") ?? "Chart"));
  const drawn = plot(place, data);
  plots.set(figure, drawn);
  new ResizeObserver(() => drawn.setSize({ width: place.clientWidth, height: HEIGHT })).observe(place);
}

function drawNew(root) {
  for (const figure of plots.keys()) if (!figure.isConnected) plots.delete(figure);
  root.querySelectorAll("figure[data-chart]:not([data-drawn])").forEach((figure) => {
    figure.dataset.drawn = "";
    draw(figure);
  });
}

document.addEventListener("DOMContentLoaded", () => drawNew(document));
document.addEventListener("htmx:load", () => drawNew(document)); // parts that come later have charts too
onThemeChange(() => plots.forEach((one) => one.redraw(false)));
