"use strict";
// The page of one explanation. Its numbers are in the element #data; nothing is loaded.
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const profile = readDoubles(data.profile);
  const starts = readDoubles(data.starts);
  const ends = readDoubles(data.ends);
  const [low, high] = [Math.min(...spread(profile, Math.min)), Math.max(...spread(profile, Math.max))];
  const byId = (id) => document.getElementById(id);
  const WAVE = data.sounds ? 56 : 0;
  const state = { threshold: data.threshold, zoom: 1, loop: false, players: {}, samples: null, ready: false };

  /** Extremes of pieces: Math.min takes no list of a million. */
  function spread(values, extreme) {
    const found = [];
    for (let i = 0; i < values.length; i += 10000) found.push(extreme(...values.subarray(i, i + 10000)));
    return found;
  }

  function element(name, part, parent, text) {
    const made = document.createElement(name);
    made.setAttribute("part", part);
    if (text !== undefined) made.textContent = text;
    parent.append(made);
    return made;
  }

  function drawing(name, part, parent, attributes = {}) {
    const made = document.createElementNS("http://www.w3.org/2000/svg", name);
    if (part) made.setAttribute("part", part);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    parent.append(made);
    return made;
  }

  const place = (made, start, end) => {
    made.style.left = `${100 * start / data.duration}%`;
    made.style.width = `${100 * (end - start) / data.duration}%`;
    return made;
  };

  /** Runs of frames above a threshold, by the same numbers and comparisons as in Python. */
  function markedAbove(threshold) {
    const found = [];
    for (let i = 0; i < profile.length; i++) {
      if (!(profile[i] > threshold)) continue;
      const last = found[found.length - 1];
      if (last && last.frame === i - 1 && last.end === starts[i]) Object.assign(last, { end: ends[i], frame: i });
      else found.push({ start: starts[i], end: ends[i], frame: i });
    }
    return found.map(({ start, end }) => ({ start, end }));
  }

  // --- waveform, cursor, zoom and selection, by wavesurfer.js ---
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const regions = WaveSurfer.Regions.create();
  const timeline = WaveSurfer.Timeline.create({ height: 20, timeInterval: 1, primaryLabelInterval: 1, secondaryLabelInterval: 1e9 });
  const surfer = WaveSurfer.create({
    container: byId("view"), cspNonce: data.nonce, height: WAVE, normalize: true, cursorWidth: 2,
    waveColor: colour("--wave"), progressColor: colour("--wave"), cursorColor: colour("--cursor"),
    peaks: [[0, 0]], duration: data.duration, plugins: [regions],
  });
  const wrapper = surfer.getWrapper();

  // --- panels below the waveform, as wide as it is at any zoom ---
  const picture = element("div", "picture", wrapper);
  const frame = place(element("div", "frame", picture), data.picture.start, data.picture.end);
  const [level, mask] = ["level", "mask"].map((name) => {
    const image = element("img", "image", frame);
    image.src = data.picture[name];
    image.alt = "";
    image.draggable = false;
    return image;
  });
  if (data.picture.contour) {
    const box = { viewBox: `0 0 ${data.picture.columns} ${data.picture.rows}`, preserveAspectRatio: "none" };
    const contour = drawing("svg", "drawing", frame, box);
    for (const part of ["contour-rim", "contour-line"]) drawing("path", part, contour, { d: data.picture.contour });
  } else {
    byId("about-contour").remove();
  }
  const top = Math.max(high, data.threshold) * 1.08 || 1;
  const height = (value) => 1 - value / top;
  const panel = element("div", "profile", wrapper);
  const graph = drawing("svg", "drawing", panel, { viewBox: `0 0 ${data.duration} 1`, preserveAspectRatio: "none" });
  const clip = drawing("rect", "", drawing("clipPath", "", graph, { id: "above" }), { x: 0, y: 0, width: data.duration });
  drawing("path", "area", graph, { d: curve(true), "clip-path": "url(#above)" });
  drawing("path", "curve", graph, { d: curve(false) });
  const line = drawing("line", "level", graph, { x1: 0, x2: data.duration });
  const lanes = ["marked", ...data.lanes.map((_, i) => (i ? "" : "events"))].map((name) => [name, element("div", "lane", wrapper)]);
  data.lanes.forEach((row, i) => row.forEach((event) => {
    const bar = place(element("div", "event", lanes[i + 1][1], event.label), event.start, event.end);
    bar.style.background = event.colour;
    bar.title = `${event.label} ${seconds(event.start)} to ${seconds(event.end)}`;
    bar.addEventListener("click", (click) => { click.stopPropagation(); select(event.start, event.end); });
  }));
  surfer.registerPlugin(timeline);

  /** The profile as a line that breaks, or an area that ends, where silence was deleted. */
  function curve(filled) {
    const step = Math.max(1, Math.ceil(profile.length / 6000));
    const parts = [];
    let last = null;
    for (let i = 0; i < profile.length; i += step) {
      const stop = Math.min(i + step, profile.length);
      const [x, y] = [(starts[i] + ends[stop - 1]) / 2, height(Math.max(...profile.subarray(i, stop)))];
      const fresh = i === 0 || starts[i] !== ends[i - 1];
      if (fresh && filled && last !== null) parts.push(`L${last} 1Z`);
      parts.push(fresh ? (filled ? `M${x} 1L${x} ${y}` : `M${x} ${y}`) : `L${x} ${y}`);
      last = x;
    }
    return parts.join("") + (filled ? `L${last} 1Z` : "");
  }

  function labelAxis() {
    const axis = byId("axis");
    const write = (text, from) => { const label = element("span", "", axis, text); label.style.top = `${from}px`; };
    let from = WAVE;
    if (WAVE) write("sound", from / 2);
    for (const [text, share] of data.picture.ticks) write(text, from + 256 * (1 - share));
    from += 256;
    write("profile", from + 42);
    from += 84;
    for (const [name] of lanes) { write(name, from + 12); from += 24; }
    write("time (s)", from + 12);
  }

  // --- what the controls do ---
  function seconds(time) { return `${time.toFixed(2)} s`; }

  function setThreshold(threshold) {
    state.threshold = threshold;
    const marked = markedAbove(threshold);
    byId("threshold-value").value = threshold.toPrecision(4);
    byId("threshold").setAttribute("aria-valuetext", threshold.toPrecision(4));
    for (const name of ["y1", "y2"]) line.setAttribute(name, height(threshold));
    clip.setAttribute("height", Math.max(0, height(threshold)));
    const lane = lanes[0][1];
    lane.replaceChildren();
    byId("marked").replaceChildren();
    for (const { start, end } of marked.slice(0, 5000)) {
      const bar = place(element("div", "marked", lane), start, end);
      bar.addEventListener("click", (click) => { click.stopPropagation(); select(start, end); });
    }
    for (const { start, end } of marked.slice(0, 100)) {
      const button = element("button", "", element("li", "", byId("marked")), `${start.toFixed(2)} to ${seconds(end)}`);
      button.type = "button";
      button.title = "select this stretch";
      button.addEventListener("click", () => select(start, end));
    }
    const sum = marked.reduce((total, { start, end }) => total + end - start, 0);
    const stretches = marked.length === 1 ? "1 stretch" : `${marked.length} stretches`;
    byId("marked-sum").textContent = marked.length
      ? `${stretches} marked, together ${seconds(sum)} of ${seconds(data.duration)}.`
      : "Nothing is marked.";
  }

  function setSlider(threshold) {
    byId("threshold").value = high > low ? Math.round(1000 * (threshold - low) / (high - low)) : 0;
  }

  function select(start, end) {
    regions.clearRegions();
    regions.addRegion({ start, end, color: "rgba(124, 183, 242, 0.25)", drag: false });
    surfer.setTime(start);
  }

  const selected = () => regions.getRegions()[0];

  function setLoop(loop) {
    state.loop = loop;
    if (byId("loop")) byId("loop").setAttribute("aria-pressed", String(loop));
  }

  function toggleLoop() {
    if (!selected()) {
      const now = surfer.getCurrentTime();
      const around = markedAbove(state.threshold).find(({ start, end }) => start <= now && now < end);
      const { start, end } = around || { start: now, end: Math.min(now + 1, data.duration) };
      if (end > start) select(start, end);
    }
    setLoop(!state.loop && Boolean(selected()));
  }

  function endSelection(side) {
    const [now, known] = [surfer.getCurrentTime(), selected()];
    const start = side === "[" ? now : known ? known.start : 0;
    const end = side === "]" ? now : known ? known.end : data.duration;
    if (end > start) { select(start, end); surfer.setTime(now); }
  }

  function setZoom(zoom) {
    state.zoom = Math.min(Math.max(zoom, 1), 256);
    const width = byId("view").clientWidth;
    const rate = Math.min(state.zoom * width, 200000) / data.duration;
    const steps = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 60, 120, 300, 600, 1800];
    const step = steps.find((one) => one * rate >= 70) || 3600;
    Object.assign(timeline.options, { timeInterval: step, primaryLabelInterval: step });
    surfer.zoom(state.zoom > 1 ? rate : 0);
    surfer.setScrollTime(Math.max(0, surfer.getCurrentTime() - width / rate / 2));
  }

  const chosen = () => document.querySelector("input[name=sound]:checked").value;

  function choose(name) {
    const [now, playing] = [surfer.getCurrentTime(), surfer.isPlaying()];
    surfer.pause();
    document.querySelector(`input[name=sound][value=${name}]`).checked = true;
    surfer.setMediaElement(state.players[name]);
    surfer.setOptions({ peaks: peaksOf(state.samples[name]), duration: data.duration });
    surfer.renderer.render(surfer.getDecodedData()); // new peaks alone are not drawn
    surfer.setTime(now);
    if (playing) surfer.play();
    byId("status").textContent = `${document.querySelector("input[name=sound]:checked").parentElement.textContent.trim()}`;
  }

  function togglePlay() {
    if (!state.ready) return;
    const region = selected();
    const now = surfer.getCurrentTime();
    if (!surfer.isPlaying() && state.loop && region && (now < region.start || now >= region.end)) surfer.setTime(region.start);
    surfer.playPause();
  }

  function onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const inside = event.target.tagName;
    const [typing, pressing] = [inside === "INPUT", inside === "BUTTON" || inside === "SUMMARY"];
    const move = event.shiftKey ? 0.05 : 0.5;
    const seek = (time) => surfer.setTime(Math.min(Math.max(time, 0), data.duration));
    const keys = {
      "+": () => setZoom(2 * state.zoom), "=": () => setZoom(2 * state.zoom), "-": () => setZoom(state.zoom / 2),
      "[": () => endSelection("["), "]": () => endSelection("]"),
      Escape: () => { regions.clearRegions(); setLoop(false); },
    };
    if (data.sounds) {
      keys.l = toggleLoop;
      ["original", "kept", "removed"].forEach((name, i) => { keys[i + 1] = () => state.ready && choose(name); });
      if (!pressing) keys[" "] = togglePlay;
    }
    if (!typing) {
      keys.ArrowLeft = () => seek(surfer.getCurrentTime() - move);
      keys.ArrowRight = () => seek(surfer.getCurrentTime() + move);
      if (inside !== "BODY") { keys.Home = () => seek(0); keys.End = () => seek(data.duration); }
    }
    if (!keys[event.key]) return;
    event.preventDefault();
    keys[event.key]();
  }

  async function loadSounds() {
    byId("play").disabled = true;
    state.samples = await readSounds(data.sounds);
    for (const [name, channels] of Object.entries(state.samples)) {
      const player = new Audio();
      player.src = URL.createObjectURL(toWav(channels, data.sounds.sample_rate));
      player.addEventListener("error", () => { byId("status").textContent = "This browser cannot play the sound."; });
      state.players[name] = player;
    }
    state.ready = true;
    choose("original");
    byId("status").textContent = "";
    byId("play").disabled = false;
  }

  surfer.on("timeupdate", (now) => {
    byId("time").value = seconds(now);
    const region = selected();
    if (state.loop && region && surfer.isPlaying() && now >= region.end) surfer.setTime(region.start);
  });
  surfer.on("finish", () => { if (state.loop && selected()) { surfer.setTime(selected().start); surfer.play(); } });
  const limits = data.picture.limits;
  const round = (number) => (Math.abs(number) < 1e-4 ? "0" : String(Number(number.toPrecision(3))));
  labelAxis();
  byId("level-low").textContent = round(limits.level[0]);
  byId("level-high").textContent = `${round(limits.level[1])} ${limits.unit}`;
  byId("mask-low").textContent = round(limits.mask[0]);
  byId("mask-high").textContent = round(limits.mask[1]);
  byId("time").value = seconds(0);
  const showOpacity = () => { mask.style.opacity = byId("opacity").value; };
  byId("opacity").addEventListener("input", showOpacity);
  byId("threshold").addEventListener("input", () => setThreshold(low + (high - low) * Number(byId("threshold").value) / 1000));
  byId("reset").addEventListener("click", () => { setThreshold(data.threshold); setSlider(data.threshold); });
  byId("in").addEventListener("click", () => setZoom(2 * state.zoom));
  byId("out").addEventListener("click", () => setZoom(state.zoom / 2));
  byId("clear").addEventListener("click", () => { regions.clearRegions(); setLoop(false); });
  document.addEventListener("keydown", onKey);
  showOpacity();
  setThreshold(data.threshold);
  setSlider(data.threshold);
  regions.on("region-created", (made) => {
    for (const region of regions.getRegions()) if (region !== made) region.remove();
    byId("clear").disabled = false;
  });
  regions.on("region-removed", () => { byId("clear").disabled = !selected(); });
  surfer.once("ready", () => {
    regions.enableDragSelection({ color: "rgba(124, 183, 242, 0.25)", drag: false });
    setZoom(1);
    if (!data.sounds) { document.documentElement.dataset.ready = "yes"; return; }
    byId("play").addEventListener("click", togglePlay);
    byId("loop").addEventListener("click", toggleLoop);
    for (const radio of document.querySelectorAll("input[name=sound]")) radio.addEventListener("change", () => choose(chosen()));
    surfer.on("play", () => { byId("play").textContent = "Pause"; });
    surfer.on("pause", () => { byId("play").textContent = "Play"; });
    loadSounds()
      .catch(() => { byId("status").textContent = "This browser cannot read the sound."; })
      .finally(() => { document.documentElement.dataset.ready = "yes"; });
  });
  // what tests and the curious ask: the same numbers that the page shows
  window.daxaudio = { surfer, markedAbove, state, regions };
})();
