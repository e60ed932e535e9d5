/** Colours of the console: contrast by WCAG 2.2, and outcomes that stay apart without full colour vision. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

type Rgb = readonly [red: number, green: number, blue: number];

const css = readFileSync(new URL("../../src/console/styles/tokens.css", import.meta.url), "utf8");
const tokens = new Map(
  [...css.matchAll(/--([\w-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\);/g)].map(([, name, light, dark]) => [
    name!,
    { light: rgbOf(light!), dark: rgbOf(dark!) },
  ]),
);

function rgbOf(hex: string): Rgb {
  return [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16)) as unknown as Rgb;
}

const linear = (channel: number): number =>
  channel / 255 <= 0.04045 ? channel / 255 / 12.92 : ((channel / 255 + 0.055) / 1.055) ** 2.4;
const luminance = ([red, green, blue]: Rgb): number =>
  0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue);
const contrast = (one: Rgb, other: Rgb): number => {
  const [dark, light] = [luminance(one), luminance(other)].toSorted((a, b) => a - b) as [number, number];
  return (light + 0.05) / (dark + 0.05);
};

const SURFACES = ["surface-0", "surface-1", "surface-2", "selected-ground"];
const STRIPS = ["ok-ground", "warning-ground", "refused-ground", "observe-ground"];
const WORDS = ["text", "text-muted", "link", "ok", "ocs-no", "refused", "unknown", "observe", "warning"];
const OUTCOMES = ["ok", "ocs-no", "refused", "unknown"];

const pairs = (texts: readonly string[], grounds: readonly string[]): [string, string][] =>
  texts.flatMap((text) => grounds.map((ground): [string, string] => [text, ground]));

describe.each(["light", "dark"] as const)("colours, %s", (theme) => {
  const of = (name: string): Rgb => {
    const token = tokens.get(name);
    if (!token) throw new Error(`no token --${name} with light-dark()`);
    return token[theme];
  };

  it.each<[string, string]>([
    ...pairs(WORDS, SURFACES),
    ...pairs(["text", "link"], STRIPS),
    ["on-unknown", "unknown-ground"],
    ["on-action", "action-ground"],
    ["surface-0", "text"],
  ])("%s is readable on %s: 4.5:1", (text, ground) =>
    expect(contrast(of(text), of(ground))).toBeGreaterThanOrEqual(4.5),
  );

  it.each<[string, string]>([
    ...pairs(["line", "focus", "unknown-ground", "action-ground"], ["surface-0", "surface-1", "surface-2"]),
    ...pairs(["focus"], [...STRIPS, "selected-ground"]),
    ["refused", "refused-ground"],
    ["warning", "warning-ground"],
    ["observe", "observe-ground"],
    ["ok", "ok-ground"],
  ])("%s is visible on %s: 3:1", (glyph, ground) => expect(contrast(of(glyph), of(ground))).toBeGreaterThanOrEqual(3));

  it("tells the outcomes apart with protanopia and deuteranopia too", () => {
    const blindness = {
      none: (colour: Rgb) => colour.map(linear),
      // Viénot, Brettel and Mollon 1999, in linear light.
      protanopia: (colour: Rgb) => {
        const [red, green, blue] = colour.map(linear) as [number, number, number];
        const mixed = 0.11238 * red + 0.88762 * green;
        return [mixed, mixed, 0.00401 * red - 0.00401 * green + blue];
      },
      deuteranopia: (colour: Rgb) => {
        const [red, green, blue] = colour.map(linear) as [number, number, number];
        const mixed = 0.29275 * red + 0.70725 * green;
        return [mixed, mixed, -0.02234 * red + 0.02234 * green + blue];
      },
    };
    for (const [name, seen] of Object.entries(blindness))
      for (const [at, one] of OUTCOMES.entries())
        for (const other of OUTCOMES.slice(at + 1)) {
          const [a, b] = [seen(of(one)), seen(of(other))];
          const distance = Math.hypot(...a.map((value, channel) => value - b[channel]!));
          expect(distance, `${one} and ${other} with ${name}`).toBeGreaterThan(0.03);
        }
  });
});
