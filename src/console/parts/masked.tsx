/**
 * A text that may contain masked numbers: each is read out as "ending in 0 1 7 7". Others wrote it: isolated, so that
 * text that runs backwards does not turn around what stands beside it.
 */
import { S } from "../strings.ts";

const MASK = /·{2,}(\w{0,4})/g;

export const Masked = ({ text }: { readonly text: string }) => {
  const spoken = text.replaceAll(MASK, (_, ending: string) => ` ${S.masked(ending)} `);
  if (spoken === text) return <bdi>{text}</bdi>;
  return (
    <>
      <bdi aria-hidden="true">{text}</bdi>
      <span class="visually-hidden unselectable">{spoken}</span>
    </>
  );
};
