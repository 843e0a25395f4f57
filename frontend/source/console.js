// What all pages share: keys, times in the reader's zone, what is blurred, dialogs, the theme, live parts.
"use strict";

const csrf = () => document.querySelector('meta[name="csrf-token"]')?.content ?? "";
const FIELDS = "input:not([type=checkbox]):not([type=radio]), textarea, select";
const isField = (target) => target.matches(FIELDS);
const isTyping = (target) => target.closest(`${FIELDS}, .cm-editor-host`) !== null;
// Enter and Space on what has the focus are for that
const isActivating = (key, target) => (key === "Enter" && target.closest("a, button") !== null) || (key === "Space" && target.closest("button, input, summary") !== null);

// --- keys: [data-key="s"] is clicked when s is pressed; "g d" is one key after the other ---
let before = "";
let beforeAt = 0;
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey && event.key === "Enter") {
    document.querySelector("[data-run-tests]")?.click();
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target) || document.querySelector("dialog[open]")) return;
  const key = event.key === " " ? "Space" : event.key;
  const pair = Date.now() - beforeAt < 1500 ? `${before} ${key}` : key;
  const found = [...document.querySelectorAll("[data-key]")].find((one) => (one.dataset.key === pair || one.dataset.key === key) && !one.disabled && one.offsetParent !== null);
  const exact = [...document.querySelectorAll("[data-key]")].find((one) => one.dataset.key === pair && one.offsetParent !== null);
  before = key;
  beforeAt = Date.now();
  const target = exact ?? found;
  if (!target || isActivating(key, event.target)) return;
  event.preventDefault();
  if (target.matches("fieldset")) (target.querySelector("input:checked") ?? target.querySelector("input")).focus();
  else if (isField(target)) target.focus();
  else target.click();
});

// --- the dialog with all keys ---
document.addEventListener("click", (event) => {
  if (!event.target.closest("[data-keys-toggle]")) return;
  const dialog = document.getElementById("keys");
  const list = dialog.querySelector("[data-keys]");
  list.replaceChildren(...[...document.querySelectorAll("[data-key]")].filter((one) => one.offsetParent !== null).map((one) => {
    const line = document.createElement("p");
    const key = document.createElement("kbd");
    key.textContent = one.dataset.key;
    line.append(key, ` ${one.dataset.keyName ?? one.textContent.trim()}`);
    return line;
  }));
  dialog.showModal();
});

// --- a question before what cannot be undone ---
let isConfirmed = false;
document.addEventListener("submit", (event) => {
  const form = event.target;
  const question = event.submitter?.dataset.confirm ?? form.dataset.confirm;
  if (!question || isConfirmed) {
    isConfirmed = false;
    return;
  }
  event.preventDefault();
  event.stopPropagation();
  const dialog = document.createElement("dialog");
  const text = document.createElement("p");
  text.textContent = question;
  const yes = document.createElement("button");
  yes.textContent = "Yes";
  yes.className = "primary";
  const no = document.createElement("button");
  no.textContent = "No";
  dialog.append(text, yes, " ", no);
  document.body.append(dialog);
  const submitter = event.submitter;
  yes.addEventListener("click", () => { dialog.close(); isConfirmed = true; form.requestSubmit(submitter ?? undefined); });
  no.addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => dialog.remove());
  dialog.showModal();
}, true);

// --- what is blurred until somebody asks ---
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-reveal]");
  if (!button) return;
  const target = document.getElementById(button.dataset.reveal);
  const isShown = target?.classList.toggle("shown");
  button.setAttribute("aria-pressed", String(Boolean(isShown)));
});

// --- slurs are masked on each page until somebody asks ---
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-unmask]");
  if (button) button.setAttribute("aria-pressed", String(document.documentElement.classList.toggle("unmasked")));
});
function offerUnmasking() {
  for (const button of document.querySelectorAll("[data-unmask]")) button.hidden = document.querySelector(".slur") === null;
}

// --- times in the reader's zone ---
const format = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
function localize(root) {
  for (const time of root.querySelectorAll("time[data-local]")) {
    const moment = new Date(time.dateTime);
    if (Number.isNaN(moment.getTime())) continue;
    time.title = time.title || `${time.textContent}`;
    time.textContent = format.format(moment);
  }
}

// --- a count down, as long as something can be undone ---
function countDown(root) {
  for (const place of root.querySelectorAll("[data-undo-until]")) {
    const tick = () => {
      const left = Math.ceil((Number(place.dataset.undoUntil) - Date.now()) / 1000);
      place.querySelector("[data-left]").textContent = left > 0 ? ` (${left} s)` : "";
      if (left <= 0) place.classList.add("over");
      else setTimeout(tick, 250);
    };
    tick();
  }
}

// --- the theme: as the system has it, light, or dark ---
const themes = ["auto", "light", "dark"];
const readTheme = () => { try { return localStorage.getItem("theme") ?? "auto"; } catch { return "auto"; } };
const showTheme = (theme) => {
  if (theme === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  for (const button of document.querySelectorAll("[data-theme-toggle]")) button.textContent = `Theme: ${theme}`;
};
document.addEventListener("click", (event) => {
  if (!event.target.closest("[data-theme-toggle]")) return;
  const next = themes[(themes.indexOf(readTheme()) + 1) % themes.length];
  try { localStorage.setItem("theme", next); } catch { /* private windows may keep nothing */ }
  showTheme(next);
});

// --- parts that the server says have changed ---
function live(root) {
  for (const part of root.querySelectorAll("[data-live]")) {
    if (part.liveSource) continue;
    const source = new EventSource(part.dataset.live);
    part.liveSource = source;
    source.addEventListener("part", (event) => {
      if (!document.contains(part)) { source.close(); return; }
      part.innerHTML = event.data; // our own server has escaped it
      prepare(part);
    });
  }
}

// --- release what somebody looks at when they leave ---
window.addEventListener("pagehide", () => {
  const place = document.querySelector("[data-release]");
  if (place) navigator.sendBeacon(place.dataset.release, new URLSearchParams({ csrf_token: csrf(), event_id: place.dataset.event }));
});

function prepare(root) {
  localize(root);
  countDown(root);
  live(root);
  offerUnmasking();
}
document.addEventListener("htmx:configRequest", (event) => { event.detail.headers["X-CSRF-Token"] = csrf(); });
document.addEventListener("htmx:load", (event) => prepare(event.detail.elt));
document.addEventListener("DOMContentLoaded", () => { showTheme(readTheme()); prepare(document); });
showTheme(readTheme());
