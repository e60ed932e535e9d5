/**
 * Somebody watches live flows for a while, over a connection that breaks again and again: which rows came, and what
 * page and gateway hold in memory afterwards.
 */
import { setTimeout as after } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { Page } from "playwright-core";
import type { Relay } from "./relay.ts";
import type { Site } from "./site.ts";
import { rowsOf, scrollThrough } from "./table.ts";

export type LiveRun = {
  readonly page: Page;
  /** Between the page and the gateway. */
  readonly relay: Relay;
  readonly site: Site;
  readonly seconds: number;
  readonly perSecond: number;
  readonly reconnects: number;
};

/** Bytes in use after a collection. */
type Heaps = { readonly page: number; readonly server: number };

export type LiveFigures = {
  /** Ids of the requests in the order of their answers, and of the rows from the oldest on. */
  readonly sent: readonly string[];
  readonly shown: readonly string[];
  readonly faults: readonly string[];
  /** Streams that the page opened. */
  readonly streams: number;
  readonly before: Heaps;
  readonly after: Heaps;
};

const FILTER = "action:DoNotCall";
const WARM_UP = { seconds: 3, reconnects: 2 };
const CUT_MS = 50;
/** The page keeps no more rows. */
export const MOST_SHOWN = 20_000;

/** `page` is logged in, over the relay. */
export const watchLive = async (run: LiveRun): Promise<LiveFigures> => {
  const { page, seconds, reconnects } = run;
  let streams = 0;
  page.on("request", (asked) => {
    if (asked.url().includes("/api/flows/stream")) streams++;
  });
  const filter = page.getByRole("combobox", { name: "Filter", exact: true });
  // A filter that is typed before the page listens would be lost.
  await page.getByText("Live", { exact: true }).waitFor();
  await filter.fill(FILTER);
  await filter.press("Enter");
  await page.waitForURL(/[?&]filter=action(?::|%3A)DoNotCall/);
  await page.getByText("Live", { exact: true }).waitFor();
  await filter.press("Escape");

  // Once before it counts: code is compiled, and what is kept for good is there.
  const warmUp = await sendOver(run, WARM_UP);
  await untilShown(page, warmUp.length);
  await scrollThrough(page);
  const before = await clear(run);
  const sent = await sendOver(run, { seconds, reconnects });
  await untilShown(page, Math.min(sent.length, MOST_SHOWN));
  const { keys, faults } = await scrollThrough(page);
  return { sent, shown: keys.toReversed(), faults, streams, before, after: await clear(run) };
};

/** Sends, while the connection breaks. */
const sendOver = async (
  { relay, site, perSecond }: LiveRun,
  { seconds, reconnects }: Pick<LiveRun, "seconds" | "reconnects">,
): Promise<readonly string[]> => {
  const cutting = async (): Promise<void> => {
    for (let cut = 1; cut <= reconnects; cut++) {
      await after((seconds * 1000) / (reconnects + 1) - CUT_MS);
      relay.cut();
      await after(CUT_MS);
      relay.thaw();
    }
  };
  const [sent] = await Promise.all([send(site, seconds, perSecond), cutting()]);
  return sent;
};

const send = async (site: Site, seconds: number, perSecond: number): Promise<readonly string[]> => {
  const ids: string[] = [];
  const asked: Promise<unknown>[] = [];
  const all = Math.round(seconds * perSecond);
  for (let [number, began] = [0, performance.now()]; number < all; number++) {
    asked.push(site.send(`/phones/${4_155_550_000 + (number % 10_000)}?req=DoNotCall`).then((id) => ids.push(id)));
    await after(Math.max(0, began + ((number + 1) * 1000) / perSecond - performance.now()));
  }
  await Promise.all(asked);
  return ids;
};

const LONGEST_MS = 30_000;

/** The page has so many rows, at least for a moment. */
const untilShown = async (page: Page, rows: number): Promise<void> => {
  for (const end = performance.now() + LONGEST_MS; ; await after(100)) {
    const count = Number(await page.getByRole("grid").getAttribute("aria-rowcount")) - 1;
    if (count >= rows || performance.now() > end) return;
  }
};

/** Empties the list twice, so that nothing of the page is about the rows that were there, and collects garbage. */
const clear = async ({ page, site }: Pick<LiveRun, "page" | "site">): Promise<Heaps> => {
  for (const last of [false, true]) {
    await page.locator(".table-scroller").focus();
    await page.keyboard.press("x");
    await rowsOf(page).first().waitFor({ state: "detached" });
    if (last) break;
    const id = await site.send("/phones/4155550000?req=DoNotCall");
    await page.locator(`tr[data-key="${id}"]`).waitFor();
  }
  const session = await page.context().newCDPSession(page);
  await session.send("HeapProfiler.enable");
  await session.send("HeapProfiler.collectGarbage");
  const { usedSize } = await session.send("Runtime.getHeapUsage");
  await session.detach();
  collect();
  return { page: usedSize, server: process.memoryUsage().heapUsed };
};

const collect = (): void => {
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();
};
