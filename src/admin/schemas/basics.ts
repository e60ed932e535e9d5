/** Schemas that several replies share. Names in `meta` are those of the components in `/openapi.json`. */
import { z } from "zod";

export const count = () => z.int().min(0);
/** RFC 3339 in UTC, as the journal writes times. */
export const time = () => z.string().describe("RFC 3339, UTC");
/** A member without a value is left out. */
export const texts = () => z.array(z.string());

export const Failure = z
  .strictObject({
    error: z.string().describe("What is wrong, for people"),
    filter: z
      .strictObject({
        message: z.string(),
        at: count().describe("The place of the fault in the filter, counted from 0"),
        length: count(),
        help: z.string().optional(),
      })
      .optional()
      .describe("Why a filter is invalid"),
    certain: z
      .boolean()
      .optional()
      .describe("Of a request that was not found: false if the journal may have lacked or lost it"),
  })
  .meta({ id: "Error" });

export const Unauthorized = z
  .strictObject({
    error: z.string(),
    journal: z
      .string()
      .optional()
      .describe("SHA-256 of the journal's directory, by which a command sees that it asks another gateway"),
  })
  .meta({ id: "Unauthorized" });

export const Tenant = z.strictObject({ dbid: z.int(), name: z.string() }).meta({ id: "Tenant" });
