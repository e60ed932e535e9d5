/** Who is logged in to the console. */
import { z } from "zod";
import { ROLES } from "../viewer.ts";

export const Session = z
  .strictObject({
    name: z.string(),
    roles: z.array(z.enum(ROLES)),
    tenants: z.union([z.literal("all"), z.array(z.int())]).describe("DBIDs of the tenants that this user may see"),
    via: z.enum(["token", "session"]),
    csrf: z
      .string()
      .nullable()
      .describe("For the header Ocsgw-Csrf, which every POST and DELETE of a session needs; null for the admin token"),
    ends: z
      .strictObject({
        idle: z.int().describe("Milliseconds until the session ends if it is not used"),
        longest: z.int().describe("Milliseconds until it ends in any case"),
      })
      .nullable()
      .describe("Null for the admin token"),
    sandbox: z.boolean().describe("True for `ocsgw sandbox`, which has the routes of `/api/sandbox`"),
  })
  .meta({ id: "Session" });

export const NobodyLoggedIn = z
  .strictObject({
    error: z.string(),
    passwords: z.boolean().describe("Whether users can log in with a password"),
    provider: z
      .string()
      .nullable()
      .describe("The OpenID provider through which users can log in; null if there is none"),
    problem: z
      .string()
      .nullable()
      .describe("Why the last login of this browser through the provider failed; told once"),
  })
  .meta({ id: "NobodyLoggedIn" });
