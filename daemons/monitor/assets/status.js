/*
 * Keeps the status page fresh and draws its plots. Without it the page says the same, and loads itself anew.
 * SPDX-License-Identifier: BSD-2-Clause
 */
"use strict";

const PERIOD_MS = 5000;
const WIDTH = 240;
const HEIGHT = 60;

function shape(name, className, attributes) {
	const node = document.createElementNS("http://www.w3.org/2000/svg", name);
	if (className) {
		node.setAttribute("class", className);
	}
	for (const [key, value] of Object.entries(attributes)) {
		node.setAttribute(key, value);
	}
	return node;
}

function points(values, highest) {
	const step = WIDTH / (values.length - 1);
	return values.map((value, i) =>
		`${(i * step).toFixed(1)},${(HEIGHT - 1 - value / highest * (HEIGHT - 6)).toFixed(1)}`).join(" ");
}

function rate(value) {
	return value < 100 ? value.toFixed(1) : Math.round(value).toLocaleString("en").replaceAll(",", "\u202f");
}

function draw(figure, series, step) {
	const highest = Math.max(1, ...series.queries);
	const line = points(series.queries, highest);
	const svg = shape("svg", "", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img" });
	svg.setAttribute("aria-label", `${series.name}: queries in a second over ten minutes, highest ${rate(highest / step)}`);
	svg.append(shape("polygon", "area", { points: `0,${HEIGHT} ${line} ${WIDTH},${HEIGHT}` }),
		shape("polyline", "queries", { points: line }));
	if (series.failures.some((value) => value > 0)) {
		svg.append(shape("polyline", "fails", { points: points(series.failures, highest) }));
	}
	const note = document.createElement("p");
	note.className = "highest";
	note.textContent = `highest ${rate(Math.max(...series.queries) / step)}/s`;
	figure.querySelectorAll("svg, .highest").forEach((old) => old.remove());
	figure.append(svg, note);
}

async function get(path) {
	const response = await fetch(path, { cache: "no-store", signal: AbortSignal.timeout(PERIOD_MS) });
	if (!response.ok) {
		throw new Error(response.statusText);
	}
	return response;
}

async function plot() {
	const status = await (await get("status.json")).json();
	document.querySelectorAll("figure[data-series]").forEach((figure) => {
		const series = status.series[Number(figure.dataset.series)];
		if (series) {
			draw(figure, series, status.step);
		}
	});
}

/* The page is made in one place only: its new parts take the places of the old. */
async function refresh() {
	const page = new DOMParser().parseFromString(await (await get("./")).text(), "text/html");
	const old = new Map();
	document.querySelectorAll("figure[data-series]").forEach((figure) => {
		old.set(figure.dataset.series, [...figure.querySelectorAll("svg, .highest")]);
	});
	page.querySelectorAll("figure[data-series]").forEach((figure) => {
		figure.append(...(old.get(figure.dataset.series) || [])); /* until the new ones are drawn */
	});
	for (const part of ["header", "main", "footer"]) {
		document.querySelector(part).replaceWith(document.adoptNode(page.querySelector(part)));
	}
	document.title = page.title;
}

async function turn() {
	try {
		if (!document.hidden) {
			await refresh();
			await plot();
		}
	} catch (error) {
		const verdict = document.querySelector(".verdict");
		verdict.className = "verdict bad";
		verdict.querySelector("h1").textContent = "The monitor does not answer; what is below is old.";
		document.title = "No answer - Bulkhead";
	}
	setTimeout(turn, PERIOD_MS);
}

plot().catch(() => {}).finally(() => setTimeout(turn, PERIOD_MS));
