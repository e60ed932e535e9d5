/** The page Sandbox, in a browser, over a gateway with HTTPS to the embedded OCS. */
import type { Page } from "playwright-core";
import type { Locator } from "playwright-core";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { aBrowser, cutTables, inBrowser, logIn, violationsOn } from "./kit/browser.ts";
import { aSandboxSite, type Site } from "./kit/site.ts";

const PHONE = "4155550177";

inBrowser("the page Sandbox", () => {
  let site: Site;
  beforeAll(async () => (site = await aSandboxSite()));
  afterAll(() => site.stop());
  beforeEach(async () => void (await site.ocs.command("POST reset")));
  const tabs = aBrowser(() => site);

  const open = async (path = "/sandbox", options?: Parameters<typeof tabs.open>[0]): Promise<Page> => {
    const page = await tabs.open(options);
    await logIn(page, site, path);
    return page;
  };
  const part = (page: Page, name: string) => page.getByRole("region", { name });
  /** Tab moves the focus there. */
  const tabTo = async (wanted: Locator): Promise<void> => {
    for (let left = 200; left > 0; left--) {
      if (await wanted.evaluate((element) => element === document.activeElement)) return;
      await wanted.page().keyboard.press("Tab");
    }
    throw new Error(`Tab does not reach ${wanted.toString()}`);
  };

  it("is in the navigation and in the search box", async () => {
    const page = await open("/now");
    await page.getByRole("navigation", { name: "Pages" }).getByRole("link", { name: "Sandbox" }).waitFor();
    await page.keyboard.press("/");
    await page.keyboard.type("sand");
    await page.getByRole("option", { name: "Go to Sandbox" }).waitFor();
    await page.keyboard.press("Enter");
    await page.waitForURL(`${site.url}/sandbox`);
  });

  it("teaches while OCS has read nothing, and says on what it acts", async () => {
    const page = await open();
    const requests = part(page, "Requests that OCS really saw");
    await requests.getByText("OCS has not read a request yet").waitFor();
    await requests.getByText(`curl -i ${site.ocs.primary.http}/campaigngroups/106`).waitFor();
    await page.getByText(/Nothing here is sent through the gateway, and nothing reaches another OCS/).waitFor();
    await part(page, "Faults").getByText("No fault: OCS answers as the manual says").waitFor();
  });

  it("is worked by keys alone: a fault that hits a request, a switchover, and the clock", async () => {
    const page = await open("/flows");
    await page.locator("#content").focus();
    await page.keyboard.press("g");
    await page.keyboard.press("x");
    await page.waitForURL(`${site.url}/sandbox`);
    const faults = part(page, "Faults");
    const kind = faults.getByRole("combobox", { name: /^Kind/ });
    await kind.waitFor();

    await tabTo(kind);
    await page.keyboard.type("status");
    await tabTo(faults.getByRole("textbox", { name: /^Value/ }));
    await page.keyboard.type("500");
    await tabTo(faults.getByRole("combobox", { name: /^Only this action/ }));
    await page.keyboard.type("DoNotCall");
    await tabTo(faults.getByRole("spinbutton", { name: /^Only the next requests/ }));
    await page.keyboard.type("1");
    await page.keyboard.press("Enter");
    const row = faults.getByRole("row", { name: /status 500/ });
    await row.getByText("next 1 of 1").waitFor();
    const id = await site.send(`/phones/${PHONE}?req=DoNotCall`);
    await row.getByText("has hit all of its requests").waitFor();
    expect(await row.getByRole("link", { name: id }).getAttribute("href")).toBe(`/flows/${id}`);
    const read = part(page, "Requests that OCS really saw").getByRole("row", { name: /POST .*DoNotCall.*500/ });
    expect(await read.getByRole("link").getAttribute("href")).toBe(`/flows/${id}`);
    await tabTo(row.getByRole("button", { name: /^Remove f\d+, status$/ }));
    await page.keyboard.press("Enter");
    await row.waitFor({ state: "detached" });
    expect(await page.evaluate(() => document.activeElement?.id)).toBe("faults-title");

    await tabTo(page.getByRole("button", { name: "+30 min" }));
    await page.keyboard.press("Enter");
    await page.getByText("It is 30 min ahead of the machine's time.").waitFor();
    await part(page, "Dialer").getByText("None: every record that was dialed is finalized.").waitFor();
    await tabTo(page.getByRole("button", { name: "Switch over" }));
    await page.keyboard.press("Enter");
    await page.getByText("The backup instance is primary now.").waitFor();
    await part(page, "Switchover")
      .getByRole("row", { name: /^backup instance primary/ })
      .waitFor();
  }, 60_000);

  it("shows a request past the gateway as such, and the states of a group in a picture and in words", async () => {
    await fetch(`${site.ocs.primary.http}/phones/${PHONE}?req=DoNotCall`, { method: "POST" });
    const page = await open();
    const requests = part(page, "Requests that OCS really saw");
    const row = requests.getByRole("row", { name: /ending in 0 1 7 7.*past the gateway/ });
    await row.first().waitFor();
    await requests.getByLabel("Only those past the gateway").check();
    expect(await requests.getByRole("link").count()).toBe(0);

    const group = page.getByRole("article", { name: "Alpha Campaign@Alpha Agents" });
    const picture = group.getByRole("img", { name: "State machine of Alpha Campaign@Alpha Agents: running" });
    expect(await picture.locator("desc").textContent()).toContain("StopDialing, Stage: active");
    await group.getByText("StopDialing leads to active").waitFor();
    await site.send("/campaigngroups/106?req=StopDialing");
    await group.getByRole("img", { name: /: active$/ }).waitFor();
    await group.getByText("StartDialing leads to running").waitFor();
  });

  it("has no accessibility fault with content, light or dark, shows no number whole, and fits 400 pixels", async () => {
    await site.send(`/phones/${PHONE}?req=DoNotCall`);
    const page = await open("/sandbox?list=302", { colorScheme: "light" });
    const lists = part(page, "Calling lists");
    await lists.getByRole("row", { name: /ending in 0 1 4 0/ }).waitFor();
    await page.getByText("All kinds, and what a client sees of each").click();
    expect(await violationsOn(page)).toEqual([]);
    await page.emulateMedia({ colorScheme: "dark" });
    expect(await violationsOn(page)).toEqual([]);
    const kept = await page.evaluate(() =>
      JSON.stringify([Object.entries(localStorage), history.state, location.href]),
    );
    expect((await page.content()) + (await page.title()) + kept).not.toMatch(/5550\d{3}/);
    await lists.getByRole("link", { name: "Show the records of Alpha List" }).click();
    await lists.getByRole("button", { name: "Later records" }).click();
    await page.waitForURL(`${site.url}/sandbox?list=301&from=50`);
    expect(await cutTables(page)).toEqual([]);
    await page.setViewportSize({ width: 400, height: 800 });
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(400);
    expect(await cutTables(page)).toEqual([]);
  });
});
