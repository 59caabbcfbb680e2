/** Lines over sizes: at each size a value for each name. */
export interface Panel {
  title: string;
  points: [size: number, values: Record<string, number>][];
}

const [width, height, gap] = [240, 200, 60];
const colours = ['#1b6ca8', '#c8553d', '#3a7d44', '#7b4b94'];

/** Panels side by side as an SVG: both axes logarithmic, the same vertical one for all. */
export function plot(panels: Panel[], unit: string): string {
  const all = panels.flatMap(({ points }) => points.flatMap(([, values]) => Object.values(values)));
  const bottom = 10 ** Math.floor(Math.log10(Math.min(...all)));
  const top = 10 ** Math.ceil(Math.log10(Math.max(...all)));
  const y = (value: number) => height - (Math.log(value / bottom) / Math.log(top / bottom)) * height;
  const names = Object.keys(panels[0]?.points[0]?.[1] ?? {});
  const ticks: number[] = [];
  for (let value = bottom; value <= top; value *= 10) ticks.push(value, ...(value < top ? [value * 3] : []));

  const drawn = panels.map(({ title, points }, index) => {
    const first = points[0]?.[0] ?? 1;
    const last = points.at(-1)?.[0] ?? 10;
    const x = (size: number) => (Math.log(size / first) / Math.log(last / first)) * width;
    const grid = ticks.map(
      (tick) =>
        `<line x1="0" x2="${width}" y1="${y(tick)}" y2="${y(tick)}" stroke="#ddd"/>` +
        (index === 0 ? `<text x="-8" y="${y(tick) + 4}" text-anchor="end">${tick}</text>` : ''),
    );
    const sizes = points.map(
      ([size]) =>
        `<text x="${x(size)}" y="${height + 18}" text-anchor="middle">${size.toLocaleString('en')}</text>`,
    );
    const lines = names.map((name, nr) => {
      const at = points.map(([size, values]) => [x(size), y(values[name] ?? bottom)] as const);
      const colour = colours[nr % colours.length];
      const dots = at.map(([cx, cy]) => `<circle cx="${cx}" cy="${cy.toFixed(1)}" r="3" fill="${colour}"/>`);
      const path = at.map(([px, py]) => `${px},${py.toFixed(1)}`).join(' ');
      return `<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="2"/>${dots.join('')}`;
    });
    return `<g transform="translate(${gap + index * (width + gap)},40)">
<text x="${width / 2}" y="-14" text-anchor="middle" font-weight="bold">${title}</text>
${[...grid, ...sizes, ...lines].join('\n')}
</g>`;
  });
  const legend = names.map(
    (name, nr) => `<g transform="translate(${gap + nr * (width + gap)},${height + 90})">
<line x2="24" stroke="${colours[nr % colours.length]}" stroke-width="2"/><text x="32" y="4">${name}</text></g>`,
  );
  const total = gap + panels.length * (width + gap);
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${total} ${height + 110}" font-family="sans-serif" font-size="12">
<title>How cost grows</title>
<rect width="100%" height="100%" fill="white"/>
<text x="12" y="18">${unit}</text>
${drawn.join('\n')}
${legend.join('\n')}
</svg>
`;
}
