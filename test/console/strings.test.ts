/** Texts of the console lie in one catalogue, and keys in one table. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

const root = new URL("../../src/console/", import.meta.url).pathname;
const sources = readdirSync(root, { recursive: true, encoding: "utf8" })
  .filter((name) => /\.tsx?$/.test(name) && !name.startsWith("built") && !name.startsWith("strings"))
  .map((name) => ({ name, text: readFileSync(join(root, name), "utf8").replaceAll(/\/\*[^]*?\*\/|\/\/.*/g, "") }));

/** Attributes that people see or hear. */
const SPOKEN = /\s(?:aria-label|title|placeholder|alt|label|says)="([^"]*[A-Za-z]{2}[^"]*)"/g;

describe("sources of the console", () => {
  it("have no text of their own between tags", () => {
    const found = sources.flatMap(({ name, text }) =>
      name.endsWith("x")
        ? [...text.matchAll(/(?<!=)>\s*([A-Za-z][a-z]+(?: [^<>{}=;()]*)?)\s*</g)].map(
            ([, words]) => `${name}: ${words}`,
          )
        : [],
    );
    expect(found).toEqual([]);
  });

  it("have no text of their own in attributes that people see or hear", () => {
    expect(
      sources.flatMap(({ name, text }) => [...text.matchAll(SPOKEN)].map(([, words]) => `${name}: ${words}`)),
    ).toEqual([]);
  });

  it("never write HTML, and no style or script into the page", () => {
    const unsafe =
      /dangerouslySetInnerHTML|innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|\sstyle="/;
    const found = sources.filter(({ text }) => unsafe.test(text));
    expect(found.map(({ name }) => name)).toEqual([]);
  });

  it("keep nothing in storage but the preferences", () => {
    const found = sources.filter(({ text }) => /localStorage|sessionStorage|indexedDB|document\.cookie/.test(text));
    expect(found.map(({ name }) => name)).toEqual(["preferences.ts"]);
  });

  it("name keys in the table only, but for those that fields and menus need everywhere", () => {
    const everywhere = new Set([
      "ArrowDown",
      "ArrowUp",
      "Escape",
      "Home",
      "End",
      "Tab",
      "Shift",
      "Enter",
      "PageDown",
      "PageUp",
    ]);
    const found = sources.flatMap(({ name, text }) =>
      name === "keys.ts"
        ? []
        : [...text.matchAll(/(?<!typeof )\bkey === "([^"]+)"/g)]
            .filter(([, key]) => !everywhere.has(key!))
            .map(([, key]) => `${name}: ${key}`),
    );
    expect(found).toEqual(["frame/settings-dialog.tsx: g"]);
  });
});
