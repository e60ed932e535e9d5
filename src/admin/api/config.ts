/** The config in force. */
import { z } from "zod";
import { json } from "../replies.ts";
import { route, type Route } from "../route.ts";
import { Reloaded, ReloadRefused } from "../schemas/config.ts";

/** Reads the config again and resolves to the outcome: what has changed, or why it was rejected. */
export type Reload = (options: { readonly dryRun?: boolean }) => Promise<{ readonly outcome: string }>;

type Deps = { readonly reload: Reload };

const EXPECTED = 'expected no body, or {"dry_run": true}';

export const CONFIG_ROUTES: readonly Route<Deps>[] = [
  route({
    method: "POST",
    path: "/api/reload",
    summary: "Reads the config again and applies it; with dry_run it only says what would change",
    roles: ["operator"],
    scope: "whole-gateway",
    body: z.strictObject({ dry_run: z.boolean(EXPECTED).optional() }, EXPECTED).optional(),
    reply: Reloaded,
    others: { 422: { when: "the config was rejected; the running config is unchanged", body: ReloadRefused } },
    answer: async ({ reload }: Deps, { body }) => {
      const reloaded = await reload(body?.dry_run === true ? { dryRun: true } : {});
      return json(reloaded.outcome === "refused" ? 422 : 200, reloaded);
    },
  }),
];
