/** What was asked, so that older results and a bundle are about the same person. */
export type Asked = {
  readonly kind: "phone" | "customer_id";
  readonly value: string;
  readonly filter: string;
  readonly purpose: string;
};
