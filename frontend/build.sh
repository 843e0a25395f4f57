#!/bin/sh
# Builds what the console's pages load into engine/console/assets: pinned by package-lock.json, nothing from elsewhere.
set -eu
cd "$(dirname "$0")"
out=../engine/console/assets
npm ci --ignore-scripts --no-audit --no-fund
rm -rf "$out" && mkdir -p "$out/licences"
node_modules/.bin/esbuild source/console.js --minify --outfile="$out/console.js" --log-level=warning
node_modules/.bin/esbuild source/editor.js source/charts.js source/graph.js --bundle --minify --format=iife \
	--legal-comments=external --outdir="$out" --log-level=warning
for legal in "$out"/*.LEGAL.txt; do # notices that stand in the midst of what is bundled
	mv "$legal" "$out/licences/$(basename "$legal" .js.LEGAL.txt)-notices.txt"
done
cat node_modules/uplot/dist/uPlot.min.css source/console.css > console.tmp.css
node_modules/.bin/esbuild console.tmp.css --minify --outfile="$out/console.css" --log-level=warning
rm console.tmp.css
cp node_modules/htmx.org/dist/htmx.min.js "$out/htmx.js"
cp source/icon.svg "$out/"
for package in $(node -p 'Object.keys(require("./package-lock.json").packages).filter(n => n && !require("./package-lock.json").packages[n].dev).join(" ")'); do
	name=$(echo "${package#node_modules/}" | tr / _ | tr -d @)
	cat "$package"/LICEN[CS]E* > "$out/licences/$name.txt"
done
(cd "$out" && find . -type f ! -name HASHES | sort | xargs sha256sum > HASHES)
