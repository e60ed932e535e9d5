/** The pages about the present for a person of one tenant: nothing of another tenant reaches the browser. */
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Page } from "playwright-core";
import { stringify } from "yaml";
import { aPerson, PASSWORD } from "../kit/sessions.ts";
import { aBrowser, inBrowser } from "./kit/browser.ts";
import { aSite, type Site } from "./kit/site.ts";

const CANARY = { name: "Zanzibar Insurance", dbid: 987_654 };

inBrowser("a person of one tenant", () => {
  let site: Site;
  beforeAll(async () => {
    const { hash } = aPerson("ada");
    const ada = { name: "ada", role: ["viewer", "operator"], tenants: ["Alpha Tenant"], hash };
    site = await aSite(
      (config) => {
        Object.assign(config.tenants[1] as object, CANARY);
        return { admin: { bind: "127.0.0.1:0", users: { file: "admins.yaml" } } };
      },
      { "admins.yaml": stringify({ version: 1, admins: [{ ...ada, created: "2026-01-01T00:00:00Z" }] }) },
    );
    await site.send("/phones/4155550177?req=DoNotCall");
    for (let count = 0; count < 12; count++) {
      await site.send("/campaigngroups/106?req=Load", { client: "beta" });
      await site.send("/phones/4155550178?req=DoNotCall", { client: "beta" });
    }
  });
  afterAll(() => site.stop());
  const tabs = aBrowser(() => site);

  /** Everything that the API answers the page. */
  const open = async (answers: string[]): Promise<Page> => {
    const page = await tabs.open();
    page.on("response", async (response) => {
      if (new URL(response.url()).pathname.startsWith("/api/")) answers.push(await response.text().catch(() => ""));
    });
    await page.goto(site.url);
    await page.getByLabel("User name").fill("ada");
    await page.getByLabel("Password").fill(PASSWORD);
    await page.getByLabel("Password").press("Enter");
    await page.getByRole("navigation", { name: "Pages" }).waitFor();
    return page;
  };

  it("sees the own tenant on every page, and nothing of another one in any answer", async () => {
    const answers: string[] = [];
    const page = await open(answers);
    await page.getByRole("link", { name: "Alpha Tenant" }).waitFor();
    await page.getByText("Enforce, 1 tenant").waitFor();
    await page.getByText("OCS primary").waitFor();
    for (const [key, text] of [
      ["t", "1 tenant"],
      ["u", "Numbers of other tenants are not shown"],
    ] as const) {
      await page.keyboard.press("g");
      await page.keyboard.press(key);
      await page.getByText(text).first().waitFor();
    }
    await page.goto(`${site.url}/tenants/101?upstream=ocs`);
    await page.getByRole("slider", { name: "Do-Not-Calls" }).waitFor();
    expect(await page.getByText("No data from the gateway").count()).toBe(0);
    const all = answers.join("\n");
    expect(all).toContain("Alpha Tenant");
    for (const trace of [CANARY.name, String(CANARY.dbid), "beta", "Beta"]) expect(all).not.toContain(trace);
  });

  it("gets the page of an unknown tenant for another one", async () => {
    const page = await open([]);
    await page.goto(`${site.url}/tenants/${CANARY.dbid}?upstream=ocs`);
    await page.getByText("There is no such tenant").waitFor();
  });
});
