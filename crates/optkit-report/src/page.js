(() => {
  "use strict";
  const NS = "http://www.w3.org/2000/svg";
  const tip = document.getElementById("tip");
  const number = v => v === null || v === undefined ? "–" : String(v);
  const element = (name, attributes) => {
    const node = document.createElementNS(NS, name);
    for (const key in attributes) node.setAttribute(key, attributes[key]);
    return node;
  };
  // Values along an axis: a list, or even steps.
  const at = (x, k) => Array.isArray(x) ? x[k] : x.from + k * x.step;
  const nearest = (curve, value) => {
    let low = 0, high = curve.m.length - 1;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (at(curve.x, middle) <= value) low = middle; else high = middle;
    }
    return Math.abs(at(curve.x, high) - value) < Math.abs(at(curve.x, low) - value) ? high : low;
  };

  function chart(figure, data, all, hidden) {
    const svg = figure.querySelector("svg");
    const [left, right, top, bottom] = data.f, [from, to] = data.x, [low, high, log] = data.y;
    const px = x => left + (x - from) / (to - from) * (right - left);
    const share = v => log ? Math.log(v / low) / Math.log(high / low) : (v - low) / (high - low);
    let cross = null, place = null;

    const leave = () => { if (cross) cross.remove(); cross = null; tip.hidden = true; };

    const row = (curve, k, over) => {
      const line = document.createElement("tr");
      const sample = all.samples[curve.s].cloneNode(true);
      const range = curve.l && curve.l[k] !== null ? number(curve.l[k]) + " … " + number(curve.u[k]) : "";
      const end = "ended at " + Number(at(curve.x, k).toPrecision(4));
      const runs = over ? end : curve.n && curve.n[k] !== all.runs[curve.s] ? curve.n[k] + " of " + all.runs[curve.s] + " go on" : "";
      const name = all.keys[curve.s] === all.names[curve.s] ? all.names[curve.s] : all.keys[curve.s];
      for (const part of [sample, name, number(curve.m[k]), range, runs]) {
        const cell = document.createElement("td");
        cell.append(part);
        line.append(cell);
      }
      return line;
    };

    // The crosshair at a value of the axis, with every series' nearest value.
    const show = (value, x, y) => {
      place = Math.min(to, Math.max(from, value));
      if (cross) cross.remove();
      cross = element("g", { class: "hover", "aria-hidden": "true" });
      const shown = data.c.filter(curve => !hidden.has(curve.s));
      const gap = (curve, k) => Math.abs(px(at(curve.x, k)) - px(place));
      const last = curve => curve.m.length - 1;
      const begun = shown.filter(curve => px(place) > px(at(curve.x, 0)) - 6);
      // What has ended is still told, at its last value.
      const ended = curve => px(place) > px(at(curve.x, last(curve))) + 6;
      const told = begun.map(curve => [curve, nearest(curve, place)]);
      const near = told.filter(([curve]) => !ended(curve));
      let snapped = place;
      if (near.length) {
        const [curve, k] = near.reduce((a, b) => gap(...b) < gap(...a) ? b : a);
        snapped = at(curve.x, k);
      }
      cross.append(element("path", { class: "cross", d: `M${px(snapped)} ${top}V${bottom}` }));
      const table = document.createElement("table");
      told.sort((a, b) => b[0].m[b[1]] - a[0].m[a[1]]);
      for (const [curve, k] of told) {
        const height = share(curve.m[k]);
        if (curve.m[k] !== null && height >= -0.02 && height <= 1.02) {
          cross.append(element("circle", {
            class: "s" + curve.s % 8 + " f" + curve.s % 8, r: 2.6, cx: px(at(curve.x, k)), cy: bottom - height * (bottom - top),
          }));
        }
        if (table.rows.length < 16) table.append(row(curve, k, ended(curve)));
      }
      svg.append(cross);
      const title = document.createElement("b");
      title.textContent = data.t + " " + Number(snapped.toPrecision(4));
      tip.replaceChildren(title, table);
      if (told.length > 16) tip.append("and " + (told.length - 16) + " more");
      tip.hidden = false;
      const box = tip.getBoundingClientRect(), width = document.documentElement.clientWidth;
      tip.style.left = Math.max(4, x + 16 + box.width > width ? x - box.width - 16 : x + 16) + "px";
      tip.style.top = Math.max(4, Math.min(y + 16, innerHeight - box.height - 4)) + "px";
    };

    svg.addEventListener("pointermove", event => {
      const box = svg.getBoundingClientRect();
      const x = (event.clientX - box.left) / box.width * svg.viewBox.baseVal.width;
      if (x < left - 8 || x > right + 8) { leave(); return; }
      show(from + (x - left) / (right - left) * (to - from), event.clientX, event.clientY);
    });
    svg.addEventListener("pointerleave", leave);
    svg.addEventListener("blur", leave);
    svg.addEventListener("keydown", event => {
      const steps = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10 };
      let value = place === null ? from : place;
      if (event.key === "Escape") { leave(); return; }
      if (event.key === "Home") value = from;
      else if (event.key === "End") value = to;
      else if (event.key in steps) value += steps[event.key] * Math.max((to - from) / 200, data.t === "epoch" || data.t === "iteration" ? 1 : 0);
      else return;
      event.preventDefault();
      const box = svg.getBoundingClientRect(), scale = box.width / svg.viewBox.baseVal.width;
      show(value, box.left + px(Math.min(to, Math.max(from, value))) * scale, box.top + top * scale);
    });
  }

  for (const section of document.querySelectorAll("section.fig")) {
    const all = JSON.parse(section.querySelector("script[type='application/json']").textContent);
    const hidden = new Set();
    const buttons = [...section.querySelectorAll(".legend button")];
    all.samples = buttons.map(button => button.querySelector("svg"));
    for (const button of buttons) {
      const groups = () => section.querySelectorAll(`g.s[data-s="${button.dataset.s}"]`);
      // Under the pointer a series stands out from the others.
      const stress = on => () => {
        section.classList.toggle("stress", on);
        for (const group of groups()) group.classList.toggle("on", on);
      };
      button.addEventListener("pointerenter", stress(true));
      button.addEventListener("pointerleave", stress(false));
      button.addEventListener("focus", () => { if (button.matches(":focus-visible")) stress(true)(); });
      button.addEventListener("blur", stress(false));
      button.addEventListener("click", () => {
        const series = Number(button.dataset.s), off = !hidden.has(series);
        if (off) hidden.add(series); else hidden.delete(series);
        button.setAttribute("aria-pressed", String(!off));
        for (const group of groups()) group.classList.toggle("hid", off);
      });
    }
    for (const figure of section.querySelectorAll("figure[data-c]")) {
      chart(figure, all.charts[Number(figure.dataset.c)], all, hidden);
    }
  }
  addEventListener("beforeprint", () => { for (const details of document.querySelectorAll("details")) details.open = true; });
})();
