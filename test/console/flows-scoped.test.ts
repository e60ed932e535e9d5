/** Flows for a person of one tenant: those of this tenant, live, from the journal and one by one. */
import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { stringify } from "yaml";
import { aPerson, PASSWORD } from "../kit/sessions.ts";
import { aBrowser, inBrowser, violationsOn } from "./kit/browser.ts";
import { aSite, type Site } from "./kit/site.ts";

const CANARY = { name: "Zanzibar Insurance", dbid: 987_654 };

inBrowser("the flows of one tenant", () => {
  let site: Site;
  let own: string;
  let foreign: string;
  beforeAll(async () => {
    const { hash } = aPerson("ada");
    const ada = { name: "ada", role: ["viewer"], tenants: ["Alpha Tenant"], hash, created: "2026-01-01T00:00:00Z" };
    const eve = { ...ada, name: "eve", role: ["auditor"], tenants: ["Alpha Tenant"] };
    site = await aSite(
      (config) => {
        Object.assign(config.tenants[1] as object, CANARY);
        return { admin: { bind: "127.0.0.1:0", users: { file: "admins.yaml" } } };
      },
      { "admins.yaml": stringify({ version: 1, admins: [ada, eve] }) },
    );
    own = await site.send("/phones/4155550177?req=DoNotCall");
    foreign = await site.send("/phones/4155550178?req=DoNotCall", { client: "beta" });
  });
  afterAll(() => site.stop());
  const tabs = aBrowser(() => site);

  const enter = async (page: Page, path: string, name = "ada"): Promise<void> => {
    await page.goto(site.url + path);
    await page.getByLabel("User name").fill(name);
    await page.getByLabel("Password").fill(PASSWORD);
    await page.getByLabel("Password").press("Enter");
    await page.getByRole("navigation", { name: "Pages" }).waitFor();
  };

  it("come live and from the journal, and no others", async () => {
    const page = await tabs.open();
    const answers: string[] = [];
    page.on("response", async (response) => {
      const { pathname } = new URL(response.url());
      if (pathname.startsWith("/api/") && pathname !== "/api/flows/stream")
        answers.push(await response.text().catch(() => ""));
    });
    await enter(page, "/flows");
    await page.locator(`tr[data-key="${own}"]`).waitFor();
    const [next, other] = [
      await site.send("/phones/4155550179?req=DoNotCall"),
      await site.send("/phones/4155550180?req=DoNotCall", { client: "beta" }),
    ];
    await page.locator(`tr[data-key="${next}"]`).waitFor();
    for (const id of [foreign, other]) expect(await page.locator(`tr[data-key="${id}"]`).count()).toBe(0);
    await page.getByRole("combobox", { name: "Filter", exact: true }).pressSequentially("tenant:");
    await page.getByRole("option", { name: "Alpha Tenant" }).waitFor();
    expect(await page.content()).not.toContain("Zanzibar");
    expect(answers.join("\n")).not.toMatch(/Zanzibar|987654|"beta"/);
  });

  it("are explained by what they say themselves", async () => {
    const page = await tabs.open();
    await enter(page, `/flows/${own}`);
    await page.getByText("OCS carried out the request.").waitFor();
    await page.getByRole("region", { name: "Journal" }).getByText("intent").first().waitFor();
    expect(await page.getByText(/checkpoint/i).count()).toBe(0);
    expect(await violationsOn(page)).toEqual([]);
    await page.goto(`${site.url}/flows/${foreign}`);
    await page.getByText("No such flow").waitFor();
  });

  it("are found by their auditor in a look-up, which says that it covers this tenant only", async () => {
    const page = await tabs.open();
    const answers: string[] = [];
    page.on("response", async (response) => {
      if (new URL(response.url()).pathname.startsWith("/api/")) answers.push(await response.text().catch(() => ""));
    });
    await enter(page, "/look-up", "eve");
    const find = async (number: string): Promise<void> => {
      await page.getByLabel("Phone number", { exact: true }).fill(number);
      await page.getByLabel("Purpose").fill("complaint 2026-118");
      await page.getByRole("button", { name: "Find", exact: true }).click();
    };
    await find("4155550177");
    await page.getByRole("row", { name: /DoNotCall phones\/.*Alpha Tenant alpha/ }).waitFor();
    await page.getByText("Alpha Tenant (101); nothing about any other tenant.").waitFor();
    await page.getByText("Complete for these tenants").waitFor();
    expect(await violationsOn(page)).toEqual([]);
    await find("4155550178");
    await page.getByText("Nothing found").waitFor();
    expect(answers.join("\n")).not.toMatch(/Zanzibar|987654|"beta"/);
    await page.getByRole("button", { name: "Report" }).click();
    await page.getByRole("row", { name: /complaint 2026-118.*done/ }).waitFor();
  });
});
