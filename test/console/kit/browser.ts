/** Chromium, headless, and what every page of the console must be: alone with its host, without an error. */
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect } from "vitest";
import { describeWith, programOf } from "../../kit/machine.ts";
import { launchChromium } from "./chromium.ts";
import type { Site } from "./site.ts";

export { logIn, logInHere } from "./log-in.ts";

/** A `describe` of tests in a browser. */
export const inBrowser = (name: string, tests: () => void): void => describeWith(["chromium"], name, () => tests());

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

export type Tabs = {
  /**
   * A page of its own profile. After the test it is checked that nothing failed and no other host was asked. `others`:
   * origins to which the browser may go; what pages there do does not count.
   */
  readonly open: (options?: BrowserContextOptions, url?: string, others?: readonly string[]) => Promise<Page>;
};

type Watched = { readonly page: Page; readonly faults: string[] };

/** To be called in a `describe`: one browser for all its tests. */
export const aBrowser = (site: () => Pick<Site, "url">): Tabs => {
  let browser: Browser;
  const watched: Watched[] = [];
  beforeAll(async () => {
    browser = await launchChromium(programOf("chromium")!);
  });
  afterEach(async () => {
    const all = watched.splice(0);
    await Promise.all(all.map(({ page }) => page.context().close()));
    expect(all.flatMap(({ faults }) => faults)).toEqual([]);
  });
  afterAll(() => browser?.close());
  return {
    open: async (options = {}, url = site().url, others = []) => {
      const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
      context.setDefaultTimeout(20_000);
      const page = await context.newPage();
      const faults: string[] = [];
      watched.push({ page, faults });
      const own = new URL(url).origin;
      const isElsewhere = (address: string): boolean =>
        URL.canParse(address) && others.includes(new URL(address).origin);
      page.on("request", (asked) => {
        const isFine =
          new URL(asked.url()).origin === own || isElsewhere(asked.url()) || isElsewhere(asked.frame().url());
        if (!isFine) faults.push(`asked another host: ${asked.url()}`);
      });
      page.on("pageerror", (error) => faults.push(`error: ${error.stack ?? error.message}`));
      page.on("console", (line) => {
        // A refused request is no fault of the page.
        const isRefusal = line.text().startsWith("Failed to load resource");
        if (line.type() === "error" && !isRefusal && !isElsewhere(page.url())) faults.push(line.text());
      });
      return page;
    },
  };
};

type AxeRun = {
  readonly violations: readonly {
    readonly id: string;
    readonly nodes: readonly { readonly html: string; readonly failureSummary?: string }[];
  }[];
};

/** Violations of WCAG 2.2 A and AA and of axe's best practices, one line each. */
export const violationsOn = async (page: Page): Promise<string[]> => {
  await page.evaluate(AXE);
  const { violations } = await page.evaluate(() =>
    (globalThis as unknown as { axe: { run: (options: object) => Promise<AxeRun> } }).axe.run({
      runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    }),
  );
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id}: ${html.slice(0, 200)} ${failureSummary ?? ""}`),
  );
};

/** Tables of which a part is off screen to the right: their names, with the width that they need and have. */
export const cutTables = (page: Page): Promise<string[]> =>
  page.evaluate(() =>
    [...document.querySelectorAll(".table-scroll")]
      .filter(({ scrollWidth, clientWidth }) => scrollWidth > clientWidth)
      .map((table) => `${table.ariaLabel}: ${table.scrollWidth} > ${table.clientWidth}`),
  );
