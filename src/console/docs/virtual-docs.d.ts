/** The address of the file with all pages, `DocPage[]` as JSON. Made by `docs-plugin.mjs`. */
declare module "virtual:docs" {
  const address: string;
  export default address;
}
