// Who shares what with whom: drawn, and as a list of buttons that do the same by keyboard.
import cytoscape from "cytoscape";
import { color, onThemeChange } from "./theme.js";

const MOST_NODES = 300;
const SHAPES = { user_id: "ellipse", device_id: "rectangle", ip: "diamond", ip_prefix: "diamond", url_domain: "hexagon", text: "tag" };
const MOST_OPENED = 50;
const looks = () => [
  { selector: "node", style: { label: "data(label)", color: color("--text"), "font-size": 10, "background-color": color("--accent"), shape: (node) => SHAPES[node.data("kind")] ?? "octagon", "text-max-width": 90, "text-wrap": "ellipsis" } },
  { selector: "node[kind = 'user_id']", style: { "background-color": color("--line-2") } },
  { selector: "edge", style: { width: 1, "line-color": color("--soft"), "curve-style": "straight" } },
];

async function load(url) {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(answer.statusText);
  return answer.json();
}

function listNodes(list, nodes, opened, open) {
  const focused = list.contains(document.activeElement) ? document.activeElement.dataset.node : undefined;
  list.replaceChildren(...nodes.map(({ id, label, kind }) => {
    const line = document.createElement("li");
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = `${kind}: ${label}`;
    button.setAttribute("aria-disabled", String(opened.includes(id)));
    button.dataset.node = id;
    button.addEventListener("click", () => open(id));
    const link = document.createElement("a");
    link.href = `/people/${encodeURIComponent(kind)}?value=${encodeURIComponent(label)}`;
    link.textContent = "page";
    line.append(button, " ", link);
    return line;
  }));
  // Who walks the list by keyboard goes on where they were.
  if (focused !== undefined) list.querySelector(`[data-node="${CSS.escape(focused)}"]`)?.focus();
}

async function draw(place) {
  const opened = [];
  const picture = document.createElement("div");
  picture.className = "picture";
  picture.setAttribute("aria-hidden", "true");
  const list = document.createElement("ul");
  list.className = "nodes";
  const said = document.createElement("p");
  said.setAttribute("role", "status");
  place.append(picture, said, list);
  // Cytoscape adds a style element, which our policy forbids, unless one of this id is there; console.css says the same.
  const stands = document.createElement("template");
  stands.id = "__________cytoscape_stylesheet";
  document.head.append(stands);
  const graph = cytoscape({ container: picture, maxZoom: 2, style: looks() });
  onThemeChange(() => graph.style(looks()));
  async function grow(...added) {
    const url = new URL(place.dataset.graphUrl, location.href);
    [...opened, ...added].forEach((id) => url.searchParams.append("expand", id));
    let found;
    try {
      found = await load(url);
    } catch {
      said.textContent = "It could not be loaded. Try it again.";
      return;
    }
    opened.push(...added.filter((id) => !opened.includes(id)));
    const { nodes, edges, is_cut: isCut } = found;
    const shown = nodes.slice(0, MOST_NODES);
    const ids = new Set(shown.map(({ id }) => id));
    const known = new Set(graph.nodes().map((node) => node.id()));
    graph.add(shown.filter(({ id }) => !known.has(id)).map((data) => ({ data })));
    graph.add(edges.filter(({ source, target }) => ids.has(source) && ids.has(target) && !graph.getElementById(`${source}|${target}`).length)
      .map((data) => ({ data: { ...data, id: `${data.source}|${data.target}` } })));
    graph.layout({ name: "cose", animate: false, randomize: known.size === 0 }).run();
    said.textContent = `${shown.length} users and entities${isCut || nodes.length > MOST_NODES ? ", and more that are not shown" : ""}. Choose one to see what it shares.`;
    listNodes(list, shown, opened, open);
  }
  function open(id) {
    if (opened.includes(id)) return;
    if (opened.length >= MOST_OPENED) {
      said.textContent = `${MOST_OPENED} are open, which is the most. Go on from the page of one of them.`;
      return;
    }
    grow(id);
  }
  graph.on("tap", "node", (event) => open(event.target.id()));
  await grow();
}

document.addEventListener("DOMContentLoaded", () => document.querySelectorAll("[data-graph]").forEach(draw));
