/** The reference of this version, for the console's Help. It has nothing about this gateway's config or traffic. */
import { z } from "zod";
import { json } from "../replies.ts";
import { route, type Route } from "../route.ts";

export const HelpContent = z
  .strictObject({
    version: z.string(),
    codes: z
      .array(
        z.strictObject({
          code: z.string(),
          status: z.int(),
          title: z.string(),
          delivery: z
            .enum(["not-sent", "answered", "sent-no-answer", "varies"])
            .describe("How far the request got; varies: each reply says it in Ocsgw-Delivery"),
          advice: z.string(),
        }),
      )
      .describe("Refusals, and replies in place of OCS's answer; a code may have several rows"),
    families: z
      .array(z.strictObject({ codes: z.string().describe("For example 6xxx"), about: z.string() }))
      .describe("What the first digit of a code means"),
    metrics: z.array(z.strictObject({ name: z.string(), type: z.string(), help: z.string() })),
    events: z.array(
      z.strictObject({
        name: z.string().describe("The value of event in a line of the log"),
        subject: z.string(),
        level: z.enum(["info", "warn", "error"]),
        message: z.string().describe("{name} stands for the value of a field"),
        action: z.string().nullable(),
        fields: z.array(z.strictObject({ name: z.string(), meaning: z.string() })),
      }),
    ),
    settings: z.array(
      z.strictObject({
        key: z.string().describe("For example tenants[].clients.<name>.actions"),
        required: z.boolean(),
        default: z.string().nullable(),
        explanation: z.string(),
      }),
    ),
  })
  .meta({ id: "HelpContent" });
export type HelpContent = z.infer<typeof HelpContent>;

type Deps = { readonly help: () => HelpContent };

export const HELP_ROUTES: readonly Route<Deps>[] = [
  route({
    method: "GET",
    path: "/api/help",
    summary: "The reference of this version: codes, metrics, log events and config keys",
    roles: ["viewer", "operator", "auditor"],
    scope: "by-tenant",
    reply: HelpContent,
    answer: ({ help }: Deps) => json(200, help()),
  }),
];
