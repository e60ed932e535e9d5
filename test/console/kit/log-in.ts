/** Logs in to the console. */
import type { Page } from "playwright-core";
import type { Site } from "./site.ts";

type Door = Pick<Site, "url" | "token">;

/** With the admin token, as an operator without a user of his own does. */
export const logIn = async (page: Page, site: Door, path = "/"): Promise<void> => {
  await page.goto(site.url + path);
  await logInHere(page, site);
};

/** The same on the page that is open: the token is in its memory only, so a page that was loaded again asks for it. */
export const logInHere = async (page: Page, { token }: Pick<Door, "token">): Promise<void> => {
  await page.getByRole("heading", { name: "Log in" }).waitFor();
  // Where the config names no users, the token is asked for at once.
  const byToken = page.getByRole("button", { name: "Log in with the admin token" });
  if (await byToken.isVisible()) await byToken.click();
  await page.getByLabel("Admin token").fill(token);
  await page.getByRole("button", { name: "Log in", exact: true }).click();
  await page.getByRole("navigation", { name: "Pages" }).waitFor();
};
