/** What a container without a config is told: three ways to give it one, and how to try it without. */
import { existsSync } from "node:fs";

const hint = (config: string): string => `
Nothing is mounted at ${config}. Three ways to give this container a config:

  docker run -v ./config:/etc/ocsgw:ro …              a folder of this machine, with keys and certificates in it
  configs: and secrets: in a compose file             one file each, mounted at ${config}
  FROM ocsgw, then COPY config /etc/ocsgw             an image of your own

Or try it without one: docker run --network host --tmpfs /tmp ocsgw sandbox
`;

/** OCSGW_CONTAINER is set by the image. */
export const hintInContainer = (config: string): void => {
  if (!["", "0"].includes(process.env["OCSGW_CONTAINER"] ?? "") && !existsSync(config)) console.error(hint(config));
};
