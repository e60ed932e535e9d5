/** The filter language: its keys with their help, and the values that are known, for completion. */
import { z } from "zod";
import { keysWithHelp } from "../../journal/search/filter/keys.ts";
import { knownValues } from "../../journal/search/filter/vocabulary.ts";
import type { AuditParts } from "../audit-parts.ts";
import { json } from "../replies.ts";
import { route, type Route } from "../route.ts";
import { tenantsOf } from "../scope.ts";

type Deps = { readonly audit: AuditParts };

export const FilterLanguage = z.strictObject({
  keys: z.array(
    z.strictObject({
      key: z.string(),
      help: z.string(),
      values: z.array(z.string()).describe("Those that are known: words of a closed set, or names in the config"),
    }),
  ),
});

export type FilterLanguageReply = z.infer<typeof FilterLanguage>;

export const FILTER_ROUTES: readonly Route<Deps>[] = [
  route({
    method: "GET",
    path: "/api/filter",
    summary: "The keys of the filter language, with help and known values",
    roles: ["viewer", "operator", "auditor"],
    scope: "by-tenant",
    reply: FilterLanguage,
    answer: ({ audit }: Deps, { viewer }) => {
      const vocabulary = audit.vocabulary(tenantsOf(viewer));
      const keys = keysWithHelp().map(({ key, help, field, choices = [] }) => ({
        key,
        help,
        values: [...(choices.length > 0 ? choices : knownValues(field, vocabulary))],
      }));
      return json(200, { keys } satisfies FilterLanguageReply);
    },
  }),
];
