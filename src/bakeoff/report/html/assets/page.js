"use strict";
(async () => {
  // Plotly comes compressed; the page's policy holds the hash of what it unpacks to.
  const unpack = async () => {
    const packed = Uint8Array.from(atob(document.getElementById("plotly").textContent), (byte) => byte.charCodeAt(0));
    const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
    const script = document.createElement("script");
    script.textContent = await new Response(stream).text();
    document.head.append(script);
  };
  if (typeof DecompressionStream !== "undefined") await unpack();
  if (typeof Plotly === "undefined") {
    document.getElementById("no-figures").hidden = false;
    return;
  }

  const figures = JSON.parse(document.getElementById("figures").textContent);
  const root = document.documentElement;
  const plots = [...document.querySelectorAll(".plot[data-figure]")];
  const tokenPattern = /^token:([a-z-]+)(?:\/([0-9.]+))?$/;

  const resolve = (value, style) => {
    if (typeof value === "string") {
      const found = tokenPattern.exec(value);
      if (!found) return value;
      const colour = style.getPropertyValue("--" + found[1]).trim();
      if (found[2] === undefined) return colour;
      const part = (start) => parseInt(colour.slice(start, start + 2), 16);
      return `rgba(${part(1)},${part(3)},${part(5)},${found[2]})`;
    }
    if (Array.isArray(value)) return value.map((item) => resolve(item, style));
    if (value && typeof value === "object") {
      return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, resolve(item, style)]));
    }
    return value;
  };

  const draw = (plot) => {
    const figure = resolve(figures[plot.dataset.figure], getComputedStyle(root));
    const width = plot.clientWidth;
    if (!width) return;
    const { aspect = 0.6, tallest = 460 } = figure.layout.meta || {};
    const narrow = width < 480;
    const layout = { ...figure.layout, width, height: Math.round(Math.min(Math.max(width * aspect, Math.min(260, tallest)), tallest)) };
    layout.font = { ...layout.font, family: getComputedStyle(document.body).fontFamily, size: narrow ? 11 : 12 };
    if (layout.xaxis.type === "log") {
      const every = Math.ceil((layout.xaxis.tickvals.length * 50) / (width - 60));
      const kept = (_, place) => place % every === 0;
      const { tickvals, ticktext } = layout.xaxis;
      layout.xaxis = { ...layout.xaxis, tickangle: 0, tickvals: tickvals.filter(kept), ticktext: ticktext.filter(kept) };
    }
    const hidden = new Set((plot.dataset.hidden || "").split(" ").filter(Boolean));
    const data = figure.data.map((trace) => ({ ...trace, visible: !hidden.has(trace.legendgroup) }));
    if (!plot.dataset.whole && figure.layout.meta.zoom) layout.yaxis = { ...layout.yaxis, range: figure.layout.meta.zoom };
    Plotly.react(plot, data, layout, { displayModeBar: false, responsive: false });
    plot.querySelectorAll("svg").forEach((drawing) => drawing.setAttribute("aria-hidden", "true"));
    plot.dataset.width = width;
  };
  const drawAll = () => plots.forEach(draw);

  drawAll();
  root.classList.add("drawn");

  if (typeof ResizeObserver !== "undefined") {
    const watch = new ResizeObserver((entries) => entries.forEach(({ target }) => {
      if (Math.abs(target.clientWidth - Number(target.dataset.width || 0)) > 1) draw(target);
    }));
    plots.forEach((plot) => watch.observe(plot));
  }
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);

  document.querySelectorAll(".legend button[data-group]").forEach((button) => button.addEventListener("click", () => {
    const plot = document.getElementById(button.closest(".legend").dataset.for);
    const hidden = new Set((plot.dataset.hidden || "").split(" ").filter(Boolean));
    const show = hidden.delete(button.dataset.group);
    if (!show) hidden.add(button.dataset.group);
    plot.dataset.hidden = [...hidden].join(" ");
    button.setAttribute("aria-pressed", String(show));
    draw(plot);
  }));
  document.querySelectorAll(".legend button.zoom").forEach((button) => button.addEventListener("click", () => {
    const plot = document.getElementById(button.closest(".legend").dataset.for);
    plot.dataset.whole = plot.dataset.whole ? "" : "yes";
    [button.textContent, button.dataset.other] = [button.dataset.other, button.textContent];
    draw(plot);
  }));

  const opened = [];
  addEventListener("beforeprint", () => {
    root.classList.add("printing");
    document.querySelectorAll("details:not([open])").forEach((part) => { part.open = true; opened.push(part); });
    drawAll();
  });
  addEventListener("afterprint", () => {
    root.classList.remove("printing");
    opened.splice(0).forEach((part) => { part.open = false; });
    drawAll();
  });
})();
