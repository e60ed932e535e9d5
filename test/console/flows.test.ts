/** The flows page in a browser, in front of a real gateway and the embedded OCS. */
import type { Page } from "playwright-core";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { TransactionJson } from "../../src/journal/search/to-json.ts";
import { aBrowser, inBrowser, logIn, violationsOn } from "./kit/browser.ts";
import { aRelay } from "./kit/relay.ts";
import { aSite, type Site } from "./kit/site.ts";

const HOSTILE = '<img src=x onerror="document.title=`run`">';

const rows = (page: Page) => page.locator("table.virtual tbody tr:not(.gap)");
const filterBox = (page: Page) => page.getByRole("combobox", { name: "Filter", exact: true });

inBrowser("the flows page", () => {
  let site: Site;
  beforeAll(async () => {
    site = await aSite((config) => ({
      admin: { bind: "127.0.0.1:0", names: ["127.0.0.1:*"] },
      tenants: config.tenants.map((tenant, at) => (at === 0 ? { ...(tenant as object), lists: [HOSTILE] } : tenant)),
    }));
    await site.send("/phones/4155550101?req=DoNotCall", { client: "beta" });
    await site.send("/phones/4155550102?req=DoNotCall", { body: { GSW_TENANT_NAME: "Beta Tenant" } });
    await site.send("/records/16?req=RecordProcessed");
  });
  afterAll(() => site.stop());
  const tabs = aBrowser(() => site);
  let page: Page;
  beforeEach(async () => {
    page = await tabs.open();
    await logIn(page, site, "/flows");
    await page.getByText("Live", { exact: true }).waitFor();
    await rows(page).first().waitFor();
  });

  it("shows each outcome as glyph, word and status", async () => {
    const said = await rows(page).locator(".outcome").allInnerTexts();
    expect(said.map((text) => text.replaceAll("\n", " "))).toEqual(
      expect.arrayContaining(["403 refused here", "410 OCS said no", "200 ok"]),
    );
    expect(await rows(page).locator(".outcome:not(:has(svg.glyph))").count()).toBe(0);
  });

  it("shows a flow when it happens, without a reload", async () => {
    const id = await site.send("/phones/4155550103?req=DoNotCall");
    await page.locator(`tr[data-key="${id}"]`).waitFor({ timeout: 20_000 });
    expect(await page.locator(`tr[data-key="${id}"]`).count()).toBe(1);
  });

  it("filters on the server, with the filter in the address", async () => {
    await filterBox(page).fill("is:refused");
    await filterBox(page).press("Enter");
    await page.waitForURL(/filter=is%3Arefused/);
    await expect.poll(() => rows(page).count()).toBe(1);
    const body = { GSW_TENANT_NAME: "Alpha Tenant" };
    const refused = await site.send("/phones/4155550102?req=DoNotCall", { client: "beta", body });
    await site.send("/phones/4155550104?req=DoNotCall");
    await page.locator(`tr[data-key="${refused}"]`).waitFor();
    expect(await rows(page).count()).toBe(2);
  });

  it("completes keys and values", async () => {
    await filterBox(page).pressSequentially("ten");
    await page.getByRole("option", { name: /^tenant:/ }).waitFor();
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    await page.getByRole("option", { name: "Beta Tenant" }).waitFor();
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    expect(await filterBox(page).inputValue()).toBe('tenant:"Beta Tenant" ');
  });

  it("says where a filter is wrong, and keeps the last good rows live", async () => {
    await filterBox(page).fill("status:410 clent:x");
    await filterBox(page).press("Enter");
    await page.getByText("unknown key clent, at column 12. Did you mean client:?", { exact: false }).waitFor();
    const [marked, caret] = (await page.locator(".filter-fault pre").innerText()).split("\n");
    expect([marked, caret]).toEqual(["status:410 clent:x", "           ^^^^^"]);
    expect(await rows(page).count()).toBeGreaterThan(2);
    const id = await site.send("/phones/4155550105?req=DoNotCall");
    await page.locator(`tr[data-key="${id}"]`).waitFor();
  });

  it("does not search for a person", async () => {
    const asked: string[] = [];
    page.on("request", (request) => asked.push(request.url()));
    for (const text of ["4155550101", "phone:4155550101", "phone:+1 415 555 0101", "customer:C-1044"]) {
      await filterBox(page).fill(text);
      await filterBox(page).press("Enter");
      await page.getByText("This looks like a phone number").waitFor();
      await page.getByRole("combobox", { name: /^Search/ }).fill(text);
      await page.keyboard.press("Enter");
      await page.waitForURL(`${site.url}/look-up`);
      await page.getByRole("navigation", { name: "Pages" }).locator('a[href="/flows"]').click();
      await rows(page).first().waitFor();
    }
    expect(asked.length).toBeGreaterThan(4);
    expect(asked.filter((url) => /4155550101|0101|1044/.test(url))).toEqual([]);
  });

  it("pauses; then says how many are new and shows them on demand", async () => {
    await page.keyboard.press("Space");
    await page.getByText("Paused", { exact: true }).waitFor();
    const before = await rows(page).count();
    const ids = [
      await site.send("/phones/4155550106?req=DoNotCall"),
      await site.send("/phones/4155550107?req=DoNotCall"),
    ];
    await page.getByRole("button", { name: /^2 new flows/ }).waitFor();
    expect(await rows(page).count()).toBe(before);
    await page.keyboard.press(".");
    for (const id of ids) await page.locator(`tr[data-key="${id}"]`).waitFor();
    await page.keyboard.press("Space");
    await page.getByText("Live", { exact: true }).waitFor();
  });

  it("lets no new row move the focus, nor the list that somebody reads", async () => {
    await page.keyboard.press("j");
    await page.keyboard.press("j");
    const focused = () => page.evaluate(() => (document.activeElement as HTMLElement).dataset["key"]);
    const before = await focused();
    expect(before).toBeTruthy();
    const top = await rows(page).nth(1).boundingBox();
    await site.send("/phones/4155550108?req=DoNotCall");
    await page.getByRole("button", { name: /^1 new flow/ }).waitFor();
    expect(await focused()).toBe(before);
    expect(await rows(page).nth(1).boundingBox()).toEqual(top);
  });

  it("filters by the value of a cell", async () => {
    const id = await site.send("/phones/4155550109?req=DoNotCall", { client: "beta" });
    await page.locator(`tr[data-key="${id}"]`).waitFor();
    await page.locator(`tr[data-key="${id}"]`).focus();
    for (const _each of ["time", "result", "origin", "tenant"]) await page.keyboard.press("ArrowRight");
    await page.keyboard.press("+");
    await page.waitForURL((url) => url.searchParams.get("filter") === 'tenant:"Beta Tenant"');
    await page.keyboard.press("F");
    await page.waitForURL(/off=1/);
    await page.getByRole("button", { name: "Filter on" }).waitFor();
  });

  it("copies a range of rows as Markdown, text and JSON lines, and a request as curl without secrets", async () => {
    await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
    const id = await site.send("/phones/4155550110?req=DoNotCall", { body: { GSW_TENANT_NAME: "Alpha Tenant" } });
    await page.locator(`tr[data-key="${id}"]`).waitFor();
    const clipboard = () => page.evaluate(() => navigator.clipboard.readText());
    await page.locator(`tr[data-key="${id}"]`).focus();
    await page.keyboard.press("c");
    await expect.poll(clipboard).toContain("curl -i -X POST");
    expect(await clipboard()).toContain("phones/<phone>?req=DoNotCall");
    expect(await clipboard()).toContain("alpha:<key>");
    await page.keyboard.press("v");
    await page.keyboard.press("j");
    await page.keyboard.press("v");
    await page.keyboard.press("C");
    await page.getByRole("menuitem", { name: "Markdown" }).click();
    await expect.poll(clipboard).toMatch(/^\| time \| status \|/);
    expect((await clipboard()).split("\n")).toHaveLength(4);
    await page.keyboard.press("C");
    await page.getByRole("menuitem", { name: "JSON lines" }).click();
    await expect.poll(clipboard).toMatch(/^\{/);
    const copied = (await clipboard()).split("\n").map((line) => JSON.parse(line) as TransactionJson);
    expect(copied.map((row) => row.id)).toContain(id);
    expect(await clipboard()).not.toContain("4155550110");
  });

  it("shows texts of clients and config as text", async () => {
    const body = { GSW_CAMPAIGN_NAME: "Alpha Campaign", GSW_PHONE: "4155550111", GSW_TZ_NAME: "PST" };
    const id = await site.send(`/lists/${encodeURIComponent(HOSTILE)}?req=AddRecord`, { body });
    const row = page.locator(`tr[data-key="${id}"]`);
    await row.waitFor();
    expect(await row.innerText()).toContain(HOSTILE);
    expect(await page.locator("main img").count()).toBe(0);
    expect(await page.title()).toBe("Flows · ocsgw");
  });

  it("keeps views of this browser", async () => {
    await filterBox(page).fill("client:alpha is:ok");
    await filterBox(page).press("Enter");
    await page.waitForURL(/filter=/);
    await page.getByRole("button", { name: "Views" }).click();
    await page.getByRole("menuitem", { name: "Save this filter …" }).click();
    await page.getByLabel("Name").fill("mine");
    await page.getByRole("button", { name: "Save", exact: true }).click();
    await logIn(page, site, "/flows");
    await page.getByRole("button", { name: "Views" }).click();
    await page.getByRole("menuitemradio", { name: "mine" }).click();
    await page.waitForURL((url) => url.searchParams.get("filter") === "client:alpha is:ok");
  });

  it.each([
    ["light", 1280],
    ["dark", 400],
  ] as const)("has no accessibility fault, %s, %i px wide", async (colorScheme, width) => {
    const other = await tabs.open({ colorScheme, viewport: { width, height: 800 }, reducedMotion: "reduce" });
    await logIn(other, site, "/flows");
    await rows(other).first().waitFor();
    expect(await violationsOn(other)).toEqual([]);
    await rows(other).first().focus();
    await other.keyboard.press("n");
    await other.getByRole("menu").getByText("Everything, 30 s before and after").waitFor();
    expect(await violationsOn(other)).toEqual([]);
    expect(await other.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(0);
  });

  describe("over a connection that fails", () => {
    it("says within 5 s that nothing comes, then fills in what was missed, each flow once", async () => {
      const relay = await aRelay(Number(new URL(site.url).port));
      const other = await tabs.open({}, relay.url);
      await logIn(other, { url: relay.url, token: site.token }, "/flows");
      await other.getByText("Live", { exact: true }).waitFor();
      await other.waitForTimeout(300);
      const said = other.evaluate(
        () =>
          new Promise<number>((resolve) => {
            const look = (): void => {
              const seconds = /No data for (\d+) s\./.exec(document.body.textContent)?.[1];
              if (seconds !== undefined) resolve(Number(seconds));
            };
            new MutationObserver(look).observe(document.body, { childList: true, subtree: true, characterData: true });
          }),
      );
      relay.freeze();
      expect(await said).toBeLessThanOrEqual(5);
      relay.cut();
      const ids = [];
      for (let each = 0; each < 6; each++) ids.push(await site.send(`/phones/41555501${20 + each}?req=DoNotCall`));
      relay.thaw();
      await other.getByText(/^\d+ flows? filled in\./).waitFor();
      for (const id of ids) expect(await other.locator(`tr[data-key="${id}"]`).count()).toBe(1);
      const keys = await rows(other).evaluateAll((all) => all.map((row) => (row as HTMLElement).dataset["key"]));
      expect(new Set(keys).size).toBe(keys.length);
      await other.context().close();
      await relay.close();
    });
  });
});
