/**
 * For every test file: replies of the admin API of a gateway in this process must be as their routes' rows say. A reply
 * that differs fails the test during which it was sent.
 */
import { afterEach, expect, vi } from "vitest";
import type * as Routes from "../../src/admin/routes.ts";

const seen = vi.hoisted(() => ({ differences: [] as string[] }));

vi.mock(import("../../src/admin/routes.ts"), async (original) => {
  const routes: typeof Routes = await original();
  const { checked } = await import("./admin-replies.ts");
  return {
    ...routes,
    createAdminRoutes: (deps) =>
      checked(deps.sandbox ? routes.ROUTES_IN_SANDBOX : routes.ROUTES, routes.createAdminRoutes(deps), {
        differs: (what) => seen.differences.push(what),
      }),
  };
});

afterEach(() => {
  expect(seen.differences.splice(0), "replies of the admin API that differ from their routes' rows").toEqual([]);
});
