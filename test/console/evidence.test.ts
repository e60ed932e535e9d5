/** The pages for auditors, in a browser, over a gateway in front of the embedded OCS. */
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { aBrowser, cutTables, inBrowser, logIn, violationsOn } from "./kit/browser.ts";
import { aSite, type Site } from "./kit/site.ts";

const NUMBER = "4155550177";
/** As people type it; a part of it is enough to find it anywhere. */
const TYPED = "(415) 555-0177";
const TRACES = [NUMBER, TYPED, "555-0177", "5550177", encodeURIComponent(TYPED)];

const PAGES = [
  ["/dnc", "Numbers"],
  ["/look-up", "Find a person's requests"],
  ["/integrity", "Not signed yet"],
  ["/exports", "Who exported what"],
  ["/access", "User, the whole name"],
] as const;

inBrowser("the pages for auditors", () => {
  let site: Site;
  beforeAll(async () => {
    site = await aSite();
    await site.send(`/phones/${NUMBER}?req=DoNotCall`);
    await site.send("/phones/4155550142?req=DoNotCall", { body: { GSW_TENANT_DBID: 102 } });
    await site.send("/customer_ids/C-1001?req=DoNotCall", { client: "beta", body: { GSW_TENANT_DBID: 101 } });
  });
  afterAll(() => site.stop());
  const tabs = aBrowser(() => site);

  const open = async (path: string, options?: Parameters<typeof tabs.open>[0]): Promise<Page> => {
    const page = await tabs.open(options);
    await logIn(page, site, path);
    return page;
  };

  it("have no accessibility fault, light and dark, and fit into 400 pixels", async () => {
    const page = await open("/dnc", { colorScheme: "light" });
    for (const [path, text] of PAGES) {
      await page.getByRole("navigation").locator(`a[href="${path}"]`).click();
      await page.getByText(text).first().waitFor();
      expect([path, await violationsOn(page)]).toEqual([path, []]);
      await page.emulateMedia({ colorScheme: "dark" });
      expect([path, await violationsOn(page)]).toEqual([path, []]);
      await page.emulateMedia({ colorScheme: "light" });
      await page.setViewportSize({ width: 400, height: 800 });
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(400);
      expect(await cutTables(page)).toEqual([]);
      await page.setViewportSize({ width: 1280, height: 800 });
    }
  }, 60_000);

  it("are reached by keys", async () => {
    const page = await open("/flows");
    for (const [key, path] of [
      ["d", "/dnc"],
      ["l", "/look-up"],
      ["i", "/integrity"],
      ["e", "/exports"],
      ["a", "/access"],
    ] as const) {
      await page.locator("#content").focus();
      await page.keyboard.press("g");
      await page.keyboard.press(key);
      await page.waitForURL(site.url + path);
    }
  });

  describe("Do-Not-Call", () => {
    it("lists what is open, takes a note, and keeps the item in the list", async () => {
      const page = await open("/dnc");
      const row = page.getByRole("row").filter({ hasText: "······0142" });
      await row.getByText("refused here").waitFor();
      expect(await row.getByRole("link", { name: "OCSGW-2103" }).getAttribute("href")).toMatch(/^\/flows\/\w{26}$/);
      await row.getByRole("button", { name: "Mark handled …" }).click();
      const dialog = page.getByRole("dialog", { name: "How was it handled?" });
      expect(await violationsOn(page)).toEqual([]);
      await dialog.getByLabel("Note").fill(`called ${TYPED}`);
      await dialog.getByRole("button", { name: "Journal the note" }).click();
      await dialog.getByText(/^note: .*phone number/).waitFor();
      await dialog.getByLabel("Note").fill("added by hand, ticket 42");
      await dialog.getByRole("button", { name: "Journal the note" }).click();
      await row.getByText("admin token: added by hand, ticket 42").waitFor();
      await page.getByLabel("Hide what was handled otherwise").check();
      await row.waitFor({ state: "detached" });
    });

    it("counts the month of the address, says that its numbers are complete, and leads to their export", async () => {
      const page = await open("/dnc?month=2020-02");
      await page.getByText("No Do-Not-Call in this month.").waitFor();
      await page.getByRole("button", { name: "Later month" }).click();
      await page.waitForURL(`${site.url}/dnc?month=2020-03`);
      await page.getByLabel("Month (UTC)").fill(new Date().toISOString().slice(0, 7));
      const row = page.getByRole("row", { name: /^Alpha Tenant .*1 to 2 complete$/ });
      await row.waitFor();
      await page.getByRole("link", { name: "Export this month" }).click();
      await page.waitForURL(/\/exports\?/);
      expect(await page.getByLabel("Filter; empty: everything").inputValue()).toBe("action:DoNotCall");
      expect(await page.getByLabel("From (UTC day)").inputValue()).toMatch(/^\d{4}-\d\d-01$/);
    });
  });

  describe("Look-up", () => {
    const find = async (page: Page, number: string): Promise<void> => {
      await page.getByLabel("Phone number", { exact: true }).fill(number);
      await page.getByLabel("Purpose").fill("complaint 2026-118");
      await page.getByRole("button", { name: "Find", exact: true }).click();
      await page.getByText("What the search covers").waitFor();
    };

    it("finds a person under masking, and says what the search covers", async () => {
      const page = await open("/look-up");
      await find(page, TYPED);
      await page.getByText("1 request found").waitFor();
      await page.getByRole("row", { name: /DoNotCall phones\/.*200 ok.*Alpha Tenant alpha t1/ }).waitFor();
      await page.getByText("Not complete: requests of this person may exist that are not listed.").waitFor();
      await page.getByText(/1 Do-Not-Call by customer id contains no phone number/).waitFor();
      expect(await violationsOn(page)).toEqual([]);
      await find(page, "4155550199");
      await page.getByText("No request about this person is in the journal, in the searched period.").waitFor();
      await page.emulateMedia({ media: "print" });
      await page.getByText("What the search covers").waitFor();
      expect(await page.getByLabel("Phone number", { exact: true }).isVisible()).toBe(false);
    });

    it("leaves the number in no address, title, history entry, storage, or answer of the gateway", async () => {
      const page = await open("/look-up");
      const seen: string[] = [];
      page.on("request", (asked) => void seen.push(asked.url()));
      page.on("response", (reply) => {
        if (reply.url().includes("/api/"))
          void reply.text().then(
            (body) => seen.push(body),
            () => undefined,
          );
      });
      page.on("framenavigated", (frame) => void seen.push(frame.url()));
      page.on("console", (line) => void seen.push(line.text()));
      await find(page, TYPED);
      const flows = page.getByRole("link", { name: "Open in Flows" });
      seen.push((await flows.getAttribute("href"))!);
      await page.getByRole("button", { name: "Evidence bundle" }).click();
      await page.waitForURL(`${site.url}/exports`);
      await page.getByRole("row", { name: /phone:t1:.*complaint 2026-118.*done/ }).waitFor({ timeout: 20_000 });
      seen.push(await page.title(), await page.content());
      const kept = await page.evaluate(async () =>
        JSON.stringify([
          Object.entries(localStorage),
          Object.entries(sessionStorage),
          document.cookie,
          history.state,
          await indexedDB.databases(),
          await caches.keys(),
        ]),
      );
      seen.push(kept);
      await page.goBack();
      await page.getByText("Find a person's requests").waitFor();
      seen.push(page.url(), await page.content(), await page.getByLabel("Phone number", { exact: true }).inputValue());
      const dir = join(site.gateway.dir, "audit", "segments");
      for (const name of await readdir(dir)) seen.push(await readFile(join(dir, name), "latin1"));
      expect(seen.length).toBeGreaterThan(15);
      for (const trace of TRACES) expect(seen.filter((text) => text.includes(trace))).toEqual([]);
    });
  });

  describe("Exports", () => {
    it("makes a file, saves it, and removes it", async () => {
      const page = await open("/exports");
      await page.getByLabel("Filter; empty: everything").fill("action:DoNotCall tenant:101");
      await page.getByLabel("Format").selectOption("csv");
      await page.getByLabel("Purpose").fill("yearly report");
      await page.getByRole("button", { name: "Export", exact: true }).click();
      const row = page.getByRole("row", { name: /action:DoNotCall tenant:101 CSV, for people · yearly report/ });
      await row.getByText("2 requests and events, 3 entries").waitFor({ timeout: 20_000 });
      await page
        .getByRole("table", { name: "Who exported what" })
        .getByRole("row", { name: /action:DoNotCall tenant:101 yearly report/ })
        .waitFor();
      const [download] = await Promise.all([
        page.waitForEvent("download"),
        row.getByRole("button", { name: "Download" }).click(),
      ]);
      expect(download.suggestedFilename()).toMatch(/^ocsgw-export-\w{26}\.csv$/);
      expect((await readFile(await download.path(), "utf8")).split("\r\n")).toHaveLength(4);
      await row.getByRole("button", { name: "Remove" }).click();
      await row.getByRole("button", { name: "Download" }).waitFor({ state: "detached" });
    });

    it("does not take a number as a filter, and shows where a filter is wrong", async () => {
      const page = await open("/exports");
      await page.getByLabel("Filter; empty: everything").fill(NUMBER);
      await page.getByRole("link", { name: "Open the look-up" }).waitFor();
      expect(await page.getByRole("button", { name: "Export", exact: true }).isDisabled()).toBe(true);
      await page.getByLabel("Filter; empty: everything").fill("tenent:101");
      await page.getByRole("button", { name: "Export", exact: true }).click();
      await page.getByText("unknown key tenent").waitFor();
    });
  });

  describe("Integrity", () => {
    it("verifies the journal, and says what was found and what is not proved", async () => {
      const page = await open("/integrity");
      await page.getByText("No checkpoint leaves this machine").waitFor();
      await page.getByRole("button", { name: "Verify now" }).click();
      await page.getByText(/^unchanged, #0 to #\d+$/).waitFor({ timeout: 20_000 });
      await page.getByText(/^Verified: \d+ entries, up to #\d+$/).waitFor();
      const newest = page.getByRole("table", { name: "Checkpoints" }).getByRole("rowheader").first();
      const last = page.getByText(/^\d+ entries, up to #\d+, .* ago$/).first();
      const isSame = async (): Promise<boolean> => (await last.innerText()).startsWith(`${await newest.innerText()}, `);
      await expect.poll(isSame, { timeout: 10_000 }).toBe(true);
      await page.getByText(`Audit verified: ${await newest.innerText()}`).waitFor();
      await page.getByText("requests that did not pass this gateway").first().waitFor();
      await page.getByRole("row", { name: /#0 to #\d+ .* (?:partly|yes)/ }).waitFor();
      expect(await violationsOn(page)).toEqual([]);
    });
  });

  describe("Console access", () => {
    it("shows who did what, one operation at a time, which is in the address", async () => {
      const page = await open("/access");
      await page
        .getByRole("row", { name: /admin token look-up a person/ })
        .first()
        .waitFor();
      await page.getByRole("combobox", { name: /^What/ }).selectOption("export");
      await page.waitForURL(`${site.url}/access?operation=export`);
      await page
        .getByRole("row", { name: /admin token export/ })
        .first()
        .waitFor();
      expect(await page.getByRole("row", { name: /look-up/ }).count()).toBe(0);
      await page.getByLabel("User, the whole name").fill("nobody");
      await page.getByRole("button", { name: "Go" }).click();
      await page.getByText("No access fits").waitFor();
    });
  });
});

inBrowser("the page Integrity of a journal that was changed", () => {
  let site: Site;
  beforeAll(async () => {
    site = await aSite();
    await site.send(`/phones/${NUMBER}?req=DoNotCall`);
  });
  afterAll(() => site.stop());
  const tabs = aBrowser(() => site);

  it("says what was changed, and that the journal is broken", async () => {
    const page = await tabs.open();
    await logIn(page, site, "/integrity");
    await page.getByRole("button", { name: "Verify now" }).click();
    await page.getByText(/^unchanged, #0 to #\d+$/).waitFor({ timeout: 20_000 });
    const segment = join(site.gateway.dir, "audit", "segments", "000000000000.jsonl");
    await writeFile(segment, (await readFile(segment, "utf8")).replace('"client":"alpha"', '"client":"alphb"'));
    await page.getByRole("button", { name: "Verify now" }).click();
    await page.getByText("Broken", { exact: true }).waitFor({ timeout: 20_000 });
    await page.getByRole("heading", { name: "What was changed" }).waitFor();
    await page
      .getByText(/line \d+ of 000000000000\.jsonl/)
      .first()
      .waitFor();
    expect(await violationsOn(page)).toEqual([]);
  });
});
