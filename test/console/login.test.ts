/** Logging in to the console and out of it, in a browser. */
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Page } from "playwright-core";
import { aPerson, PASSWORD, usersFile } from "../kit/sessions.ts";
import { aBrowser, inBrowser, violationsOn } from "./kit/browser.ts";
import { aSite, type Site } from "./kit/site.ts";

const IDLE_MS = 12_000;

inBrowser("a user of the console", () => {
  let site: Site;
  beforeAll(async () => {
    site = await aSite(
      () => ({ admin: { bind: "127.0.0.1:0", users: { file: "admins.yaml" }, session: { idle: `${IDLE_MS}ms` } } }),
      { "admins.yaml": usersFile(aPerson("alice", { roles: ["viewer", "operator"] })) },
    );
  });
  afterAll(() => site.stop());
  const tabs = aBrowser(() => site);

  const fill = async (page: Page, password: string): Promise<void> => {
    await page.getByLabel("User name").fill("alice");
    await page.getByLabel("Password").fill(password);
    await page.getByLabel("Password").press("Enter");
  };
  const logOut = async (page: Page): Promise<void> => {
    await page.getByRole("button", { name: /^Logged in as/ }).click();
    await page.getByRole("menuitem", { name: "Log out", exact: true }).click();
    await isOut(page);
  };
  const isIn = (page: Page): Promise<void> => page.getByRole("navigation", { name: "Pages" }).waitFor();
  const isOut = (page: Page): Promise<void> => page.getByRole("heading", { name: "Log in" }).waitFor();

  it("logs in with a password, stays logged in over a reload, and logs out", async () => {
    const page = await tabs.open();
    await page.goto(site.url);
    await fill(page, "wrong");
    await page.getByRole("alert").waitFor();
    await isOut(page);
    await fill(page, PASSWORD);
    await isIn(page);
    // Another cookie marks the browser as known, and opens nothing.
    const all = await page.context().cookies();
    expect(all.map(({ httpOnly, sameSite }) => [httpOnly, sameSite])).toEqual(all.map(() => [true, "Strict"]));
    const cookies = all.filter(({ expires }) => expires === -1);
    expect(cookies).toEqual([
      expect.objectContaining({
        name: `ocsgw-${new URL(site.url).port}`,
      }),
    ]);
    const seen = await page.evaluate(() =>
      JSON.stringify([document.cookie, Object.entries(localStorage), Object.entries(sessionStorage), location.href]),
    );
    for (const secret of [PASSWORD, cookies[0]!.value]) expect(seen).not.toContain(secret);
    await page.reload();
    await isIn(page);
    await logOut(page);
    await page.reload();
    await isOut(page);
    const entries = (await site.gateway.journal()).filter((entry) => entry.kind === "access" && entry.source);
    expect(entries.map((entry) => entry.kind === "access" && `${entry.user} ${entry.operation}`)).toEqual([
      "alice login-failed",
      "alice login",
      "alice logout",
    ]);
  });

  it("ends all sessions after a question, also in other browsers, and not if the gateway is silent", async () => {
    const [page, other] = [await tabs.open(), await tabs.open()];
    for (const each of [page, other]) {
      await each.goto(site.url);
      await fill(each, PASSWORD);
      await isIn(each);
    }
    await page.getByRole("button", { name: /^Logged in as/ }).click();
    await page.getByRole("menuitem", { name: "Log out everywhere" }).click();
    const dialog = page.getByRole("dialog", { name: "Log out everywhere?" });
    await dialog.waitFor();
    expect(await violationsOn(page)).toEqual([]);
    await page.route(/everywhere=true/, (route) => route.abort());
    await dialog.getByRole("button", { name: "Log out everywhere" }).click();
    await dialog.getByText("It is not known whether the sessions ended.").waitFor();
    await page.unroute(/everywhere=true/);
    await dialog.getByRole("button", { name: "Log out everywhere" }).click();
    await page.getByText("All your sessions have ended").waitFor();
    await isOut(page);
    await other.reload();
    await isOut(other);
    await expect
      .poll(async () => (await site.gateway.journal()).filter((entry) => entry.kind === "access").at(-1))
      .toMatchObject({ user: "alice", operation: "logout-everywhere" });
  });

  it("logs in by a link once; it leaves the address at once", async () => {
    const link = site.gateway.gateway.consoleLink("root", 60_000)!;
    const page = await tabs.open();
    await page.goto(link);
    await isIn(page);
    expect(page.url()).toBe(`${site.url}/`);
    await logOut(page);
    const again = await tabs.open();
    await again.goto(link);
    await isOut(again);
    await again.getByText("The one-time link is not valid any more").waitFor();
  });

  it("is not offered to stay where the session ends in any case", async () => {
    const page = await tabs.open();
    await page.goto(site.url);
    await fill(page, PASSWORD);
    await isIn(page);
    await page.route("**/api/session", async (route) => {
      const response = await route.fetch();
      const json = (await response.json()) as object;
      await route.fulfill({ response, json: { ...json, ends: { idle: 60_000, longest: 60_000 } } });
    });
    await page.reload();
    await page.getByText(/Your session ends in .*, also if you go on/).waitFor();
    expect(await page.getByRole("button", { name: "Stay logged in" }).count()).toBe(0);
  });

  it(
    "is warned before the session ends, can prolong it, and is logged out without a touch",
    { timeout: 90_000 },
    async () => {
      const page = await tabs.open();
      await page.clock.install();
      await page.goto(site.url);
      await fill(page, PASSWORD);
      await isIn(page);
      await page.clock.fastForward(5000);
      await page.getByText(/Your session ends in/).waitFor();
      await page.getByRole("button", { name: "Stay logged in" }).click();
      // For the page a minute passes, so that what it asks now is a refresh; for the gateway the idle time.
      await page.clock.fastForward(61_000);
      const until = Date.now() + IDLE_MS + 2000;
      while (Date.now() < until) {
        await page.clock.fastForward(5000);
        await new Promise((resolve) => setTimeout(resolve, 500));
      }
      await page.getByText("Your session has ended").waitFor();
      await fill(page, PASSWORD);
      await isIn(page);
    },
  );
});
