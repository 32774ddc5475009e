// Everything that is wrong with how the open page is laid out, as sentences; [] when nothing is.
() => {
  const SMALLEST = 9;  // pixels of chart text on the screen
  const wrong = [];
  const name = (element) => (element.getAttribute("aria-label") || element.alt || element.textContent || element.tagName).trim().slice(0, 60);
  const size = (element) => element.getBoundingClientRect();
  const empty = (element) => size(element).width < 1 || size(element).height < 1;
  const hidden = (element) => !element.checkVisibility();

  const width = document.documentElement.clientWidth;
  for (const root of [document.documentElement, document.body]) {
    if (root.scrollWidth > width) wrong.push(`the page is ${root.scrollWidth} pixels wide on a screen of ${width}`);
  }
  for (const heading of document.querySelectorAll("h1, h2, h3, h4")) {
    const box = size(heading);
    if (hidden(heading) || empty(heading) || box.left < 0 || box.right > width) wrong.push(`heading out of sight: ${name(heading)}`);
  }
  for (const image of document.querySelectorAll("img")) {
    if (!image.complete || image.naturalWidth === 0) wrong.push(`broken image: ${name(image)}`);
    else if (empty(image)) wrong.push(`image without a size: ${name(image)}`);
  }
  for (const figure of document.querySelectorAll("figure:has(.chart)")) {
    const seen = [...figure.querySelectorAll(".chart svg")].filter((chart) => !hidden(chart));
    if (seen.length !== 1) wrong.push(`${seen.length} charts in sight, not 1: ${name(figure)}`);
    for (const chart of seen) {
      if (empty(chart)) { wrong.push(`chart without a size: ${name(chart)}`); continue; }
      const box = size(figure);  // charts may overflow within their card: fonts differ between machines
      for (const text of chart.querySelectorAll("text")) {
        const place = size(text), matrix = text.getScreenCTM();
        const pixels = parseFloat(getComputedStyle(text).fontSize) * Math.hypot(matrix.a, matrix.b);
        if (pixels < SMALLEST) wrong.push(`text of ${pixels.toFixed(1)} pixels in a chart: ${name(text)}`);
        if (place.left < box.left - 1 || place.right > box.right + 1) wrong.push(`text cut off in a chart: ${name(text)}`);
      }
    }
  }
  for (const table of document.querySelectorAll("table")) {
    const cells = (row) => [...row.cells].reduce((sum, cell) => sum + cell.colSpan, 0);
    const rows = [...table.rows].map(cells);
    if (new Set(rows).size !== 1) wrong.push(`rows of ${[...new Set(rows)].join(" and ")} cells in a table: ${name(table)}`);
  }
  return wrong;
}
