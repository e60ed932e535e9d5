/** How lines and areas look: a hue, a dash and a pattern each, so that no two of a chart differ in hue alone. */

export const HUES = [
  "ok",
  "ocs-no",
  "refused",
  "unknown",
  "observe",
  "link",
  "text",
  "text-muted",
  "hairline",
] as const;
export type Hue = (typeof HUES)[number];

export type Dash = "solid" | "dashed" | "dotted" | "long" | "mixed";

/** Lengths of strokes and gaps, in CSS pixels. */
export const DASHES: Readonly<Record<Dash, readonly number[]>> = {
  solid: [],
  dashed: [6, 3],
  dotted: [1.5, 2.5],
  long: [12, 4],
  mixed: [8, 3, 2, 3],
};

export type Pattern = "plain" | "rising" | "crossed" | "dots" | "falling" | "rows";

/** The hues as the theme has them now, as text that a canvas accepts. */
export const colorsOf = (host: HTMLElement): Readonly<Record<Hue, string>> => {
  const probe = document.createElement("span");
  probe.hidden = true;
  host.append(probe);
  const read = HUES.map((hue): [Hue, string] => {
    probe.className = `hue-${hue}`;
    return [hue, getComputedStyle(probe).color];
  });
  probe.remove();
  return Object.fromEntries(read) as Record<Hue, string>;
};

/** CSS pixels. */
const TILE = 6;

const STROKES: Readonly<Record<Exclude<Pattern, "plain" | "dots">, readonly (readonly number[])[]>> = {
  rising: [
    [-1, 1, 1, -1],
    [0, TILE, TILE, 0],
    [TILE - 1, TILE + 1, TILE + 1, TILE - 1],
  ],
  falling: [
    [-1, TILE - 1, 1, TILE + 1],
    [0, 0, TILE, TILE],
    [TILE - 1, -1, TILE + 1, 1],
  ],
  crossed: [
    [0, 0, TILE, TILE],
    [0, TILE, TILE, 0],
  ],
  rows: [[0, TILE / 2, TILE, TILE / 2]],
};

/** What fills an area: a light ground and a pattern in the full hue. */
export const fillOf = (context: CanvasRenderingContext2D, color: string, pattern: Pattern, scale: number) => {
  const tile = document.createElement("canvas");
  tile.width = tile.height = TILE * scale;
  const drawing = tile.getContext("2d")!;
  drawing.scale(scale, scale);
  drawing.globalAlpha = 0.22;
  drawing.fillStyle = color;
  drawing.fillRect(0, 0, TILE, TILE);
  drawing.globalAlpha = 0.85;
  drawing.strokeStyle = color;
  if (pattern === "dots") {
    drawing.beginPath();
    drawing.arc(TILE / 2, TILE / 2, 1.3, 0, 2 * Math.PI);
    drawing.fill();
  } else if (pattern !== "plain")
    for (const [fromX, fromY, toX, toY] of STROKES[pattern]) {
      drawing.beginPath();
      drawing.moveTo(fromX!, fromY!);
      drawing.lineTo(toX!, toY!);
      drawing.stroke();
    }
  return context.createPattern(tile, "repeat")!;
};
