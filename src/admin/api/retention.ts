/** Retention: whether entries are deleted, and confirmation of the clock. */
import { z } from "zod";
import { json } from "../replies.ts";
import { route, type Route } from "../route.ts";
import { RetentionState } from "../schemas/status.ts";

export type RetentionState = Readonly<z.infer<typeof RetentionState>>;

export type RetentionParts = {
  readonly state: () => RetentionState;
  readonly confirmClock: (user: string) => Promise<RetentionState>;
};

type Deps = { readonly retention: RetentionParts };

const MOST_NAME = 400;
const EXPECTED = `expected the name of the user who confirms the clock, up to ${MOST_NAME} characters on one line`;

/** Whether this can be journaled as the user who confirms the clock. */
export const isUserName = (user: unknown): user is string =>
  typeof user === "string" && user !== "" && user.length <= MOST_NAME && !/\p{Cc}/u.test(user);

export const RETENTION_ROUTES: readonly Route<Deps>[] = [
  route({
    method: "GET",
    path: "/api/retention",
    summary: "Whether entries of the journal are deleted, and what keeps them",
    roles: ["operator", "auditor"],
    scope: "whole-gateway",
    reply: RetentionState,
    answer: ({ retention }: Deps) => json(200, retention.state()),
  }),
  route({
    method: "POST",
    path: "/api/retention/confirm-clock",
    summary: "Confirms that the clock is right after a jump, so that retention continues",
    roles: ["operator"],
    scope: "whole-gateway",
    body: z.looseObject({ user: z.string(EXPECTED).optional() }, `user: ${EXPECTED}`).optional(),
    invalidBody: 422,
    reply: RetentionState,
    others: { 503: "the confirmation could not be written to the journal" },
    answer: async ({ retention }: Deps, { viewer, body }) => {
      const user = viewer.via === "token" ? body?.user : viewer.name;
      if (!isUserName(user)) return json(422, { error: `user: ${EXPECTED}` });
      return await retention.confirmClock(user).then(
        (state) => json(200, state),
        () =>
          json(503, { error: "the confirmation could not be written to the journal, so nothing has changed" }, [
            ["Retry-After", "5"],
          ]),
      );
    },
  }),
];
