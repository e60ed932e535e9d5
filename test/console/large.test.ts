/** The console over a journal of 200,000 entries. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { request } from "undici";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { loadOrCreateKey } from "../../src/journal/integrity/checkpoints/checkpoint.ts";
import { writeSignedJournal } from "../bench/rig/signed-journal.ts";
import { median } from "../bench/statistics.ts";
import { aBrowser, inBrowser, logIn } from "./kit/browser.ts";
import { aSite, type Site } from "./kit/site.ts";
import { rowsOf } from "./kit/table.ts";

const ENTRIES = 200_000;
const FEW = 2000;
const SCROLLED = 10_000;
const MONTH_MICROS = 31 * 86_400_000_000;
const ORIGIN = "test.example/journal";
const ROUNDS = 7;

inBrowser(`the console over ${ENTRIES} entries`, () => {
  let dir: string;
  let large: Site;
  let small: Site;

  const siteOver = async (name: string, entries: number): Promise<Site> => {
    const key = join(dir, name, "checkpoint.pem");
    const signer = { key: await loadOrCreateKey(key), origin: ORIGIN };
    writeSignedJournal(join(dir, name, "audit"), entries, 5000, signer, Date.now() * 1000 - MONTH_MICROS);
    return aSite((config) => ({
      admin: { bind: "127.0.0.1:0" },
      audit: { ...(config["audit"] as object), dir: join(dir, name, "audit"), checkpoint: { key, origin: ORIGIN } },
    }));
  };
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), "ocsgw-large-"));
    [large, small] = [await siteOver("large", ENTRIES), await siteOver("small", FEW)];
    // The gateway has indexed them.
    const isIndexed = async (site: Site): Promise<void> => expect(await statusOf(site)).toBe(200);
    for (const site of [large, small]) await vi.waitFor(() => isIndexed(site), { timeout: 110_000, interval: 200 });
  }, 120_000);
  afterAll(async () => {
    await Promise.all([large?.stop(), small?.stop()]);
    await rm(dir, { recursive: true, force: true });
  });
  const tabs = aBrowser(() => large);

  const ask = (site: Site) =>
    request(`${site.url}/api/flows?limit=200`, { headers: { Authorization: `Bearer ${site.token}` } });
  const statusOf = async (site: Site): Promise<number> => {
    const { statusCode, body } = await ask(site);
    await body.dump();
    return statusCode;
  };
  /** Milliseconds. */
  const firstPage = async (site: Site): Promise<number> => {
    const began = performance.now();
    const answer = await ask(site);
    const { requests } = (await answer.body.json()) as { requests: readonly unknown[] };
    expect(requests.length).toBe(200);
    return performance.now() - began;
  };

  it("has the first page of flows as soon as over a few", async () => {
    const times: (readonly [large: number, small: number])[] = [];
    for (let round = 0; round < ROUNDS; round++) times.push([await firstPage(large), await firstPage(small)]);
    expect(median(times.map(([of, to]) => of / to))).toBeLessThan(3);
  });

  it(`has at most 200 rows of flows in the page while ${SCROLLED} are scrolled`, { timeout: 90_000 }, async () => {
    const page = await tabs.open();
    await logIn(page, large, "/flows?range=all");
    await rowsOf(page).first().waitFor();
    const scrolled = await page.evaluate(async (wanted) => {
      const box = document.querySelector(".table-scroller")!;
      const drawn = (): Promise<void> => new Promise((resolve) => requestAnimationFrame(() => resolve()));
      const loaded = (): number =>
        Number(document.querySelector(".flows-status .number")!.textContent!.replaceAll(",", "").match(/^\d+/)![0]);
      const times: string[] = [];
      let [most, pages] = [0, 0];
      for (let before = 0; loaded() < wanted;) {
        box.scrollTop = box.scrollHeight;
        await drawn();
        const rows = [...box.querySelectorAll<HTMLElement>("tbody tr[data-key]")];
        most = Math.max(most, rows.length);
        for (const row of rows) times[Number(row.getAttribute("aria-rowindex"))] = row.querySelector("time")!.dateTime;
        if (loaded() > before) pages++;
        before = loaded();
      }
      return { most, pages, times: times.filter((time) => time !== undefined) };
    }, SCROLLED);
    expect(scrolled.most).toBeLessThanOrEqual(200);
    expect(scrolled.pages).toBeGreaterThanOrEqual(SCROLLED / 200);
    expect(scrolled.times).toEqual(scrolled.times.toSorted().toReversed());
    const scroller = page.locator(".table-scroller");
    // The row with the focus stays in the page.
    const key = await rowsOf(page).last().getAttribute("data-key");
    await page.locator(`tr[data-key="${key!}"]`).focus();
    await scroller.evaluate((box) => (box.scrollTop = 0));
    await page.locator('tr[aria-rowindex="2"]').waitFor();
    expect(await page.evaluate(() => (document.activeElement as HTMLElement).dataset["key"])).toBe(key);
    expect(await rowsOf(page).count()).toBeLessThanOrEqual(200);
    await page.setViewportSize({ width: 400, height: 800 });
    await scroller.evaluate((box) => (box.scrollTop = box.scrollHeight / 2));
    await expect.poll(() => page.locator('tr[aria-rowindex="2"]').count()).toBe(0);
    expect(await rowsOf(page).count()).toBeGreaterThan(5);
    expect(await rowsOf(page).count()).toBeLessThanOrEqual(200);
  });

  it("is verified with progress", { timeout: 60_000 }, async () => {
    const page = await tabs.open();
    await logIn(page, large, "/integrity");
    await page.evaluate(() => {
      const found: string[] = [];
      Object.assign(globalThis, { found });
      new MutationObserver(() => {
        for (const each of document.querySelectorAll("main progress"))
          found.push(each.getAttribute("aria-label") ?? "");
      }).observe(document.body, { childList: true, subtree: true });
    });
    await page.getByRole("button", { name: "Verify now" }).click();
    await page.getByText(/^unchanged, #0 to #[\d,]+$/).waitFor();
    expect(await page.evaluate(() => (globalThis as unknown as { found: string[] }).found)).toContain("Verification");
  });
});
