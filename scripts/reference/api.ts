import { type OpenApiDocument, openApi } from '@knitfab/api';

interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly format?: string;
  readonly description?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly allOf?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: Schema | boolean;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly examples?: readonly unknown[];
}

interface Content {
  readonly [mediaType: string]: { readonly schema?: Schema };
}

interface Operation {
  readonly tags: readonly string[];
  readonly summary: string;
  readonly parameters?: readonly {
    name: string;
    in: string;
    required: boolean;
    description?: string;
    schema: Schema;
  }[];
  readonly requestBody?: { readonly description?: string; readonly content: Content };
  readonly responses: Readonly<Record<string, { readonly description: string; readonly content?: Content }>>;
}

/** The Web API as a page of Markdown, from the OpenAPI document. */
export function apiReference(): string {
  const document = openApi('');
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      method,
      path,
      operation: operation as unknown as Operation,
    })),
  );
  const sections = document.tags.map(({ name, description }) => {
    const own = operations.filter(({ operation }) => operation.tags.includes(name));
    return [
      `## ${name}`,
      `${description}.`,
      ...own.map(({ method, path, operation }) => section(method, path, operation)),
    ].join('\n\n');
  });
  return `${[
    '# Web API',
    '<!-- Written by `npm run reference` from the endpoints in packages/api; changes here are lost. -->',
    document.info.description,
    'Every server describes itself at `/api/openapi.json` (OpenAPI 3.1), and as a page to browse and try at `/api/reference`.',
    errors(document),
    ...sections,
    '## Shapes',
    'Fields with a `?` may be left out.',
    ...Object.entries(document.components.schemas as Record<string, Schema>).map(([name, schema]) =>
      shape(name, schema),
    ),
  ].join('\n\n')}\n`;
}

function errors(document: OpenApiDocument): string {
  const meanings = new Map<string, string>();
  for (const { responses } of Object.values(document.paths).flatMap(Object.values) as Operation[]) {
    for (const [status, { description }] of Object.entries(responses))
      if (Number(status) >= 400) meanings.set(status, description);
  }
  const rows = [...meanings]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([status, meaning]) => [status, meaning]);
  return `Errors have the body of an ${link('Error')}. Every operation may answer 400, 500 or 503; what else, it says below.\n\n${table(['status', 'meaning'], rows)}`;
}

/** Statuses that every operation has, told once. */
const common = ['400', '500', '503'];

function section(
  method: string,
  path: string,
  { summary, parameters = [], requestBody, responses }: Operation,
): string {
  const parts = [`### \`${method.toUpperCase()} ${path}\``, `${summary}.`];
  if (parameters.length > 0) {
    const rows = parameters.map(({ name, in: place, description = '', schema }) => [
      `\`${name}\``,
      place,
      type(schema),
      description,
    ]);
    parts.push(table(['parameter', 'in', 'type', 'meaning'], rows));
  }
  if (requestBody)
    parts.push(
      `Body: ${contents(requestBody.content)}${requestBody.description === undefined ? '' : `. ${requestBody.description}`}`,
    );
  const rows = Object.entries(responses)
    .filter(([status]) => !common.includes(status))
    .map(([status, { description, content }]) => [
      status,
      description,
      Number(status) < 400 && content ? contents(content) : '',
    ]);
  parts.push(table(['status', 'answer', 'body'], rows));
  return parts.join('\n\n');
}

const contents = (content: Content): string =>
  Object.entries(content)
    .map(([mediaType, { schema }]) =>
      schema === undefined ? `\`${mediaType}\`` : `\`${mediaType}\` ${type(schema)}`,
    )
    .join(' or ');

function shape(name: string, schema: Schema): string {
  const { description, properties, required = [], examples = [] } = schema;
  const parts = [`### ${name}`];
  if (description !== undefined) parts.push(`${description}.`);
  if (properties) {
    const rows = Object.entries(properties).map(([field, of]) => [
      `\`${field}${required.includes(field) ? '' : '?'}\``,
      type(of),
      of.$ref === undefined ? (of.description ?? '') : '',
    ]);
    parts.push(table(['field', 'type', 'meaning'], rows));
  } else {
    parts.push(type(schema));
  }
  if (examples[0] !== undefined) parts.push(`\`\`\`json\n${JSON.stringify(examples[0], null, 2)}\n\`\`\``);
  return parts.join('\n\n');
}

/** A type in words, with links to the shapes that it names. */
function type(schema: Schema): string {
  const {
    $ref,
    type: name,
    format,
    items,
    anyOf,
    enum: choices,
    additionalProperties,
    minimum,
    maximum,
  } = schema;
  if ($ref !== undefined) return link($ref.slice($ref.lastIndexOf('/') + 1));
  if (anyOf) return [...new Set(anyOf.map(type))].join(' or ');
  if (choices) return choices.map((choice) => `\`${choice}\``).join(', ');
  if (schema.const !== undefined) return `\`${schema.const}\``;
  if (items) return `list of ${type(items)}`;
  if (schema.properties) {
    const fields = Object.entries(schema.properties).map(([field, of]) => `${field}: ${type(of)}`);
    return `{${fields.join(', ')}}`;
  }
  if (typeof additionalProperties === 'object') return `${type(additionalProperties)} by name`;
  if (format !== undefined) return format;
  if (name === 'integer' && minimum !== undefined) {
    return maximum === undefined ? `integer from ${minimum}` : `integer, ${minimum} to ${maximum}`;
  }
  return typeof name === 'string' ? name : (name?.join(' or ') ?? 'anything');
}

const link = (name: string): string => `[${name}](#${name.toLowerCase()})`;

const table = (heads: readonly string[], rows: readonly (readonly string[])[]): string =>
  [heads, heads.map(() => '---'), ...rows]
    .map((cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`)
    .join('\n');
