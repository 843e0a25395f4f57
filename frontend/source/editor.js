// A rulebook's editor: YAML, the engine's own diagnostics where they belong, names to choose from.
import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { yaml } from "@codemirror/lang-yaml";
import { HighlightStyle, bracketMatching, foldGutter, foldKeymap, indentOnInput, syntaxHighlighting } from "@codemirror/language";
import { lintGutter, lintKeymap, linter } from "@codemirror/lint";
import { highlightSelectionMatches, searchKeymap } from "@codemirror/search";
import { EditorState } from "@codemirror/state";
import { tags } from "@lezer/highlight";
import { drawSelection, EditorView, highlightActiveLine, keymap, lineNumbers } from "@codemirror/view";

const csrf = () => document.querySelector('meta[name="csrf-token"]')?.content ?? "";
const CHECK_AFTER_MS = 400;

async function check(area, text) {
  const answer = await fetch(area.dataset.checkUrl, {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-CSRF-Token": csrf() },
    body: JSON.stringify({ text, file: area.dataset.file ?? "", draft: area.dataset.draft ?? "" }),
  });
  return answer.ok ? (await answer.json()).diagnostics : [];
}

function place(doc, line, column) {
  const at = doc.line(Math.min(Math.max(line, 1), doc.lines));
  return Math.min(at.from + Math.max(column - 1, 0), at.to);
}

function diagnose(area) {
  return linter(async (view) => {
    const found = await check(area, view.state.doc.toString());
    return found.map(({ line, column, end_column: end, severity, message }) => {
      const from = place(view.state.doc, line, column);
      const to = end ? place(view.state.doc, line, end) : view.state.doc.lineAt(from).to;
      return { from, to: Math.max(from, to), severity, message };
    });
  }, { delay: CHECK_AFTER_MS });
}

// Keys that the schema allows under the mapping that the cursor is in.
function keysAt(schema, path) {
  let node = schema;
  const resolve = (one) => (one && one.$ref ? one.$ref.split("/").slice(1).reduce((at, name) => at?.[name], schema) : one);
  for (const name of path) {
    node = resolve(node);
    const branches = [node, ...(node?.anyOf ?? []), ...(node?.oneOf ?? [])].map(resolve);
    node = branches.map((one) => one?.properties?.[name] ?? (typeof one?.additionalProperties === "object" ? one.additionalProperties : undefined)).find(Boolean);
    if (!node) return [];
  }
  node = resolve(node);
  const branches = [node, ...(node?.anyOf ?? []), ...(node?.oneOf ?? [])].map(resolve);
  return branches.flatMap((one) => Object.entries(one?.properties ?? {}));
}

function pathAt(doc, number, indent) {
  const path = [];
  for (let line = number - 1, depth = indent; line >= 1 && depth > 0; line -= 1) {
    const found = /^(\s*)(?:- )?([\w.-]+):/.exec(doc.line(line).text);
    if (found && found[1].length < depth) {
      path.unshift(found[2]);
      depth = found[1].length;
    }
  }
  return path;
}

function complete(area) {
  let schema;
  const names = () => [...new Set([...document.querySelectorAll("textarea[data-editor]")].flatMap((one) => one.value.match(/^\s{2}[a-z_][\w]*(?=:)/gm) ?? []).map((name) => name.trim()))];
  return async (context) => {
    const word = context.matchBefore(/[\w.]*/);
    if (!word || (word.from === word.to && !context.explicit)) return null;
    schema ??= area.dataset.schemaUrl ? await (await fetch(area.dataset.schemaUrl)).json().catch(() => ({})) : {};
    const line = context.state.doc.lineAt(context.pos);
    const isKey = /^\s*[\w.]*$/.test(line.text.slice(0, context.pos - line.from));
    const options = isKey
      ? keysAt(schema, pathAt(context.state.doc, line.number, word.from - line.from)).map(([label, { description }]) => ({ label, type: "property", info: description, apply: `${label}: ` }))
      : names().map((label) => ({ label, type: "variable" }));
    return options.length ? { from: word.from, options } : null;
  };
}

// Our own colors: names reach into the shadow tree, rules do not.
const looks = EditorView.theme({
  "&": { color: "var(--text)", backgroundColor: "var(--card)", border: "1px solid var(--soft)", borderRadius: "6px", minHeight: "24rem", maxHeight: "75vh" },
  "&.cm-focused": { outline: "3px solid var(--accent)", outlineOffset: "2px" },
  ".cm-scroller": { font: ".87rem/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace", overflow: "auto" },
  ".cm-content": { caretColor: "var(--text)" },
  ".cm-cursor": { borderLeftColor: "var(--text)" },
  ".cm-gutters": { backgroundColor: "var(--back)", color: "var(--soft)", borderRight: "1px solid var(--line)" },
  ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "color-mix(in srgb, var(--accent) 9%, transparent)" },
  ".cm-selectionBackground, &.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground": { backgroundColor: "color-mix(in srgb, var(--accent) 30%, transparent)" },
  ".cm-tooltip, .cm-panels": { color: "var(--text)", backgroundColor: "var(--card)", border: "1px solid var(--line)" },
  ".cm-tooltip-autocomplete > ul > li[aria-selected]": { color: "var(--on-accent)", backgroundColor: "var(--accent)" },
  ".cm-diagnosticText": { whiteSpace: "pre-wrap" },
});
const colors = HighlightStyle.define([
  { tag: [tags.propertyName, tags.definition(tags.propertyName)], color: "var(--line-1)" },
  { tag: tags.comment, color: "var(--soft)", fontStyle: "italic" },
  { tag: tags.string, color: "var(--ham)" },
  { tag: [tags.keyword, tags.bool, tags.number], color: "var(--shadow)" },
  { tag: tags.invalid, color: "var(--spam)" },
]);

// The page's policy allows no styles that scripts write into it; in a shadow tree the editor adopts sheets instead.
function edit(area) {
  const host = document.createElement("div");
  host.className = "cm-editor-host";
  const root = host.attachShadow({ mode: "open" });
  const view = new EditorView({
    root, parent: root,
    state: EditorState.create({
      doc: area.value,
      extensions: [
        lineNumbers(), foldGutter(), history(), drawSelection(), indentOnInput(), bracketMatching(), closeBrackets(),
        highlightActiveLine(), highlightSelectionMatches(), syntaxHighlighting(colors), looks,
        yaml(), lintGutter(), EditorView.lineWrapping,
        EditorView.contentAttributes.of({ "aria-label": area.getAttribute("aria-label") ?? "rulebook" }),
        autocompletion({ override: [complete(area)] }),
        ...(area.dataset.checkUrl ? [diagnose(area)] : []),
        keymap.of([{ key: "Mod-Enter", run: () => true }, ...closeBracketsKeymap, ...defaultKeymap, ...searchKeymap, ...historyKeymap, ...foldKeymap, ...completionKeymap, ...lintKeymap, indentWithTab]),
        EditorView.updateListener.of((update) => { if (update.docChanged) area.value = update.state.doc.toString(); }),
      ],
    }),
  });
  area.hidden = true;
  area.after(host);
}

document.addEventListener("DOMContentLoaded", () => document.querySelectorAll("textarea[data-editor]").forEach(edit));
