// The colors that console.css has for pictures, which have to be drawn again when the theme changes.
export const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

export function onThemeChange(redraw) {
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  new MutationObserver(redraw).observe(document.documentElement, { attributeFilter: ["data-theme"] });
}
