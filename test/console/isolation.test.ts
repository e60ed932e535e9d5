/** The page Isolation: what separates the tenants, and the proof of it. */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { ProofReports } from "../../src/app/proof/reports.ts";
import { ulid } from "../../src/common/ulid.ts";
import { aPerson, PASSWORD } from "../kit/sessions.ts";
import { aBrowser, cutTables, inBrowser, logIn, violationsOn } from "./kit/browser.ts";
import { aSite, type Site } from "./kit/site.ts";

const people = (): string =>
  JSON.stringify({
    version: 1,
    admins: [
      { ...userOf("alpha-auditor"), role: "auditor", tenants: [101] },
      { ...userOf("viewer"), role: "viewer" },
    ],
  });
const userOf = (name: string) => ({ name, hash: aPerson(name).hash, created: "2026-01-01T00:00:00Z" });

inBrowser("the page Isolation", () => {
  let site: Site;
  beforeAll(async () => {
    site = await aSite((config) => ({ ...config, admin: { bind: "127.0.0.1:0", users: { file: "admins.yaml" } } }), {
      "admins.yaml": people(),
    });
    await site.send("/phones/4155550142?req=DoNotCall", { body: { GSW_TENANT_DBID: 102 } });
  });
  afterAll(() => site.stop());
  const tabs = aBrowser(() => site);

  const logInAs = async (page: Page, name: string, path: string): Promise<void> => {
    await page.goto(site.url + path);
    await page.getByLabel("User name").fill(name);
    await page.getByLabel("Password").fill(PASSWORD);
    await page.getByRole("button", { name: "Log in", exact: true }).click();
    await page.getByRole("navigation", { name: "Pages" }).waitFor();
  };

  it("shows what separates the tenants, and proves it by keys alone, with progress and a matrix", async () => {
    const page = await tabs.open({ colorScheme: "light" });
    await logIn(page, site, "/flows");
    await page.locator("#content").focus();
    await page.keyboard.press("g");
    await page.keyboard.press("s");
    await page.waitForURL(`${site.url}/isolation`);
    await page.getByText("Nobody has proved it yet").waitFor();
    const phones = page.getByRole("row", { name: /^phones and customer_ids enforced / });
    const link = phones.getByRole("link", { name: /1: show the flows/ });
    expect(await link.getAttribute("href")).toMatch(/^\/flows\?filter=resource%3Aphones/);
    await page.getByRole("row", { name: /^records upstream ocs not enforceable/ }).waitFor();
    const start = page.getByRole("button", { name: "Prove it now" });
    await start.focus();
    await page.keyboard.press("Enter");
    await page.getByRole("progressbar", { name: "Proof of isolation" }).waitFor();
    expect(await violationsOn(page)).toEqual([]);
    await page.getByText("separated, except what the config leaves open").waitFor({ timeout: 30_000 });
    await page.getByText(/in force now$/).waitFor();
    await page.getByText("as the journal has it").waitFor();
    await page.getByRole("row", { name: /^Alpha Tenant its own \d+ refused open by config/ }).waitFor();
    await page.getByRole("row", { name: /^campaigngroups \d+ 0 0$/ }).waitFor();
    await page
      .getByText(/records is unscoped$/)
      .first()
      .waitFor();
    expect(await start.isEnabled()).toBe(true);
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme });
      expect([colorScheme, await violationsOn(page)]).toEqual([colorScheme, []]);
    }
    await page.setViewportSize({ width: 400, height: 800 });
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(400);
    expect(await cutTables(page)).toEqual([]);
  }, 60_000);

  it("shows a failed case with request and answer, an earlier result, and all of it as Markdown", async () => {
    const folder = join(site.gateway.dir, "audit", "proofs");
    const [name] = await readdir(folder);
    const earlier = JSON.parse(await readFile(join(folder, name!), "utf8")) as Parameters<ProofReports["write"]>[0];
    const failure = {
      from: "Alpha Tenant",
      to: "Beta Tenant",
      resource: "lists" as const,
      client: "alpha",
      says: "by the list in the URI",
      why: "the OCS of Beta Tenant received the request",
      request: "POST /lists/Beta%20List?req=AddRecord HTTP/1.1",
      answer: "HTTP/1.1 200 OK <script>alert(1)</script>",
    };
    const [pair] = earlier.report.pairs;
    const cells = [{ resource: "lists" as const, passed: 3, failed: 1, open: 0 }];
    const report = {
      ...earlier.report,
      verdict: "broken" as const,
      failures: [failure],
      pairs: [{ ...pair!, cells }, ...earlier.report.pairs.slice(1)],
    };
    await new ProofReports(folder).write({ ...earlier, id: ulid(), config_hash: "0123456789abcdef", report });
    const page = await tabs.open();
    await page.addInitScript(() => {
      Object.defineProperty(navigator, "clipboard", {
        value: {
          writeText: (text: string) => Promise.resolve(void ((globalThis as { copied?: string }).copied = text)),
        },
      });
    });
    await logIn(page, site, "/isolation");
    await page.getByText("not separated", { exact: true }).first().waitFor();
    await page.getByText("0123456789ab; another one is in force now, so prove it again").waitFor();
    await page.getByText(/^not in the journal/).waitFor();
    await page.getByRole("row", { name: /^Alpha Tenant its own 1 of 4 not refused/ }).waitFor();
    await page.getByText("alpha, by the list in the URI").click();
    await page.getByText(failure.request).waitFor();
    await page.getByText(failure.answer).waitFor();
    expect(await violationsOn(page)).toEqual([]);
    await page.getByRole("button", { name: "Copy as Markdown" }).click();
    await expect
      .poll(() => page.evaluate(() => (globalThis as { copied?: string }).copied), { timeout: 10_000 })
      .toMatch(/\*\*not separated\.\*\*[^]*lists and campaigns \| \d+ \| 1 \| 0 [^]*Alpha Tenant → Beta Tenant: lists/);
    await page.getByRole("button", { name: "Show" }).click();
    await page.waitForURL(/\?proof=/);
    await page.getByText("separated, except what the config leaves open").waitFor();
  }, 60_000);

  it("is no page for viewers, and tells an auditor of one tenant nothing of another one", async () => {
    const viewers = await tabs.open();
    await logInAs(viewers, "viewer", "/now");
    expect(await viewers.locator('a[href="/isolation"]').count()).toBe(0);
    await viewers.goto(`${site.url}/isolation`);
    await viewers.getByText("Your role does not include this page").waitFor();
    const scoped = await tabs.open();
    const refused: string[] = [];
    scoped.on("response", (reply) => void (reply.status() === 403 && refused.push(reply.url())));
    await logInAs(scoped, "alpha-auditor", "/now");
    await scoped.getByRole("navigation").locator('a[href="/exports"]').waitFor();
    for (const path of ["/isolation", "/integrity", "/access", "/config"]) {
      expect(await scoped.locator(`a[href="${path}"]`).count()).toBe(0);
      await scoped.goto(site.url + path);
      await scoped.getByText("This page is about the whole gateway").waitFor();
      expect(await scoped.content()).not.toMatch(/Beta|102|208/);
    }
    expect(refused).toEqual([]);
    expect(await violationsOn(scoped)).toEqual([]);
  }, 40_000);
});
