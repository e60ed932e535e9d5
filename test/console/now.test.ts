/** The pages Now, Tenants, Tenant and Upstreams, in a browser, over a gateway in front of the embedded OCS. */
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { aBrowser, inBrowser, logIn, violationsOn } from "./kit/browser.ts";
import { aSite, type Site } from "./kit/site.ts";

const PHONE = "4155550177";
const PAGES = [
  ["/now", "Needs a look"],
  ["/tenants", "Beta Tenant"],
  ["/tenants/101?upstream=ocs", "Requests per second, by outcome"],
  ["/tenants/102?upstream=ocs&view=tables", "Requests per second, by outcome"],
  ["/upstreams", "Addresses"],
] as const;

inBrowser("the pages about the present", () => {
  let site: Site;
  let doNotCalls = 0;
  const sendDoNotCall = (): Promise<string> => {
    doNotCalls++;
    return site.send(`/phones/${PHONE}?req=DoNotCall`);
  };
  beforeAll(async () => {
    site = await aSite((config) => {
      (config.tenants[1] as Record<string, unknown>).mode = "observe";
      (config.tenants[0] as Record<string, unknown>).limits = { requests: { rate: "100/s" } };
      return config;
    });
    for (let count = 0; count < 3; count++) await sendDoNotCall();
    for (let count = 0; count < 12; count++) await site.send("/campaigngroups/208?req=Load");
    await site.send("/records/987654?req=RecordCancel", { client: "beta" });
  });
  afterAll(() => site.stop());
  const tabs = aBrowser(() => site);

  const open = async (path: string, options?: Parameters<typeof tabs.open>[0]): Promise<Page> => {
    const page = await tabs.open(options);
    await logIn(page, site, path);
    return page;
  };

  it.each(PAGES)(
    "at %s have no accessibility fault, light and dark, no phone number, and fit into 400 pixels",
    async (path, text) => {
      const page = await open(path, { colorScheme: "light" });
      await page.getByText(text).first().waitFor();
      expect(await violationsOn(page)).toEqual([]);
      await page.emulateMedia({ colorScheme: "dark" });
      expect(await violationsOn(page)).toEqual([]);
      expect(await page.content()).not.toContain(PHONE);
      await page.setViewportSize({ width: 400, height: 800 });
      // Charts are drawn again when their width has changed.
      await expect
        .poll(() => page.evaluate(() => document.documentElement.scrollWidth), { timeout: 10_000 })
        .toBeLessThanOrEqual(400);
    },
  );

  it("are reached by keys", async () => {
    const page = await open("/flows");
    for (const [key, path] of [
      ["n", "/now"],
      ["t", "/tenants"],
      ["u", "/upstreams"],
    ] as const) {
      await page.keyboard.press("g");
      await page.keyboard.press(key);
      await page.waitForURL(site.url + path);
    }
  });

  describe("Now", () => {
    it("shows the client that is refused again and again, and links to its flows", async () => {
      const page = await open("/now");
      const row = page.getByRole("listitem").filter({ hasText: "12 refusals in 10 minutes" });
      await row.getByText("OCSGW-2104").waitFor();
      await row.getByText("client alpha").waitFor();
      expect(await row.getByRole("link", { name: "Show flows" }).getAttribute("href")).toBe(
        "/flows?filter=code%3AOCSGW-2104+tenant%3A101+client%3Aalpha+since%3A10m",
      );
    });

    it("shows a request on its lane while OCS holds it, and the tenant that sent it", async () => {
      const faults = async (method: "POST" | "DELETE", body?: object): Promise<void> => {
        const text = body && JSON.stringify(body);
        const answer = await fetch(`${site.ocs.control}/faults`, { method, ...(text && { body: text }) });
        expect(answer.ok).toBe(true);
      };
      await faults("POST", { kind: "stall", action: "DoNotCall", count: 1 });
      const asked = sendDoNotCall();
      const page = await open("/now");
      const lane = page.getByRole("row").filter({ hasText: /busy.*Alpha Tenant.*DoNotCall phones\// });
      await lane.waitFor();
      expect(await lane.innerText()).not.toContain(PHONE);
      await faults("DELETE");
      await asked;
    });
  });

  it("shows the steps from observe to enforce, with what each rests on, while nothing is searched", async () => {
    const page = await open("/tenants");
    const steps = page.getByRole("region", { name: "From observe to enforce" }).getByRole("listitem");
    await steps.first().waitFor();
    const texts = (await steps.allInnerTexts()).map((text) => text.replaceAll(/\s+/g, " "));
    expect(texts).toEqual([
      expect.stringMatching(/^Recorded (?:done|cannot tell) /),
      expect.stringMatching(/^Observed (?:done|cannot tell) /),
      "One tenant enforced done 1 of 2 tenants enforce",
      "All enforced open observing: Beta Tenant",
      expect.stringMatching(/^Direct path closed cannot tell the gateway cannot see /),
    ]);
    await page.getByRole("searchbox", { name: "Name or DBID" }).fill("beta");
    await page.getByText("1 tenant", { exact: true }).waitFor();
    expect(await steps.count()).toBe(0);
  });

  describe("a tenant", () => {
    const slider = (page: Page, name: string) => page.getByRole("slider", { name });

    it("has one cursor for all charts, which arrow keys move", async () => {
      const page = await open("/tenants/101?upstream=ocs&step=10");
      const requests = slider(page, "Requests per second, by outcome");
      await requests.focus();
      const before = await requests.getAttribute("aria-valuenow");
      await page.keyboard.press("ArrowLeft");
      const after = await requests.getAttribute("aria-valuenow");
      expect(Number(before) === 0 || Number(after) < Number(before)).toBe(true);
      expect(await requests.getAttribute("aria-valuetext")).toMatch(/^\d\d:\d\d(?::\d\d)?: ok .*refused here/);
      expect(await slider(page, "Do-Not-Calls").getAttribute("aria-valuenow")).toBe(after);
      await page.keyboard.press("Escape");
      expect(await page.locator(".chart-cursor").count()).toBe(0);
    });

    it("shows charts as tables with T, and keeps that in the address", async () => {
      const page = await open("/tenants/101?upstream=ocs&step=10");
      await slider(page, "Do-Not-Calls").waitFor();
      await page.keyboard.press("T");
      const table = page.getByRole("group", { name: "Values: Do-Not-Calls" });
      await table.getByRole("columnheader", { name: "requested" }).waitFor();
      expect(page.url()).toContain("view=tables");
      // They were sent in one step or in several, each of which has a row. A step that has only begun has none yet.
      const requested = async (): Promise<number> => {
        const cells = await table.locator("tbody tr > td:first-of-type").allInnerTexts();
        return cells.reduce((sum, cell) => sum + Number(cell), 0);
      };
      await expect.poll(requested, { timeout: 15_000 }).toBe(doNotCalls);
      await page.keyboard.press("T");
      await slider(page, "Do-Not-Calls").waitFor();
    });

    it("copies the query that shows the same in Prometheus", async () => {
      const page = await open("/tenants/101?upstream=ocs");
      await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
      await page.getByRole("button", { name: "Chart: Do-Not-Calls" }).click();
      await page.getByRole("menuitem", { name: "Copy PromQL" }).click();
      await page.getByText("Copied.").waitFor();
      expect(await page.evaluate(() => navigator.clipboard.readText())).toBe('ocsgw_dnc_open{tenant="Alpha Tenant"}');
    });

    it("in observe mode says what would have been refused", async () => {
      const page = await open("/tenants/102?upstream=ocs");
      await page.getByText(/^Observe: (?:nothing|\d+ requests?) would have been refused/).waitFor();
    });

    it("shows its limits, clients, and where to read on", async () => {
      const page = await open("/tenants/101?upstream=ocs");
      await page.getByRole("row", { name: /tenant\s+200 in 2 s/ }).waitFor();
      await page.getByRole("row", { name: /alpha\s+.*DoNotCall/ }).waitFor();
      await page.getByRole("link", { name: "All tenants" }).click();
      await page.waitForURL(`${site.url}/tenants`);
    });

    it("that is unknown gets a page that says so", async () => {
      const page = await open("/tenants/999");
      await page.getByText("There is no such tenant").waitFor();
      expect(await violationsOn(page)).toEqual([]);
    });
  });

  describe("Tenants", () => {
    it("are found by a part of the name, which is in the address", async () => {
      const page = await open("/tenants");
      await page.getByRole("link", { name: "Alpha Tenant" }).waitFor();
      await page.getByRole("searchbox", { name: "Name or DBID" }).fill("beta");
      await page.getByText("1 tenant", { exact: true }).waitFor();
      expect(page.url()).toBe(`${site.url}/tenants?search=beta`);
      expect(await page.getByRole("link", { name: "Alpha Tenant" }).count()).toBe(0);
      await page.getByRole("searchbox", { name: "Name or DBID" }).fill("gamma");
      await page.getByText("No tenant fits").waitFor();
    });
  });

  describe("Upstreams", () => {
    it("show which address takes requests, lanes, and the charts of all tenants", async () => {
      const page = await open("/upstreams");
      await page.getByRole("row", { name: /primary\s+http:\/\/127\.0\.0\.1:\d+\s+takes requests/ }).waitFor();
      await page.getByRole("slider", { name: "Requests per second, by outcome" }).waitFor();
      await page.getByText("None since the gateway started.").waitFor();
    });
  });
});

inBrowser("the page Now of a gateway without a request", () => {
  let site: Site;
  beforeAll(async () => (site = await aSite()));
  afterAll(() => site.stop());
  const tabs = aBrowser(() => site);

  it("says what it will show, and has no accessibility fault", async () => {
    const page = await tabs.open();
    await logIn(page, site, "/");
    await page.getByText("Nothing needs a look.").waitFor();
    await page.getByText(/^No request since \d\d:\d\d:\d\d\. A client's first request appears here/).waitFor();
    await page.getByText("No request waits for a lane.").waitFor();
    expect(await violationsOn(page)).toEqual([]);
  });
});
