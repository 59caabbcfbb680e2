import { z } from 'zod';
import type { Endpoint } from './endpoints/endpoint.ts';
import { endpoints } from './endpoints/index.ts';
import { errorBody } from './shapes/error.ts';

type JsonObject = Record<string, unknown>;

/** An OpenAPI 3.1 document, as far as this API uses it. */
export interface OpenApiDocument {
  readonly openapi: '3.1.0';
  readonly info: {
    readonly title: string;
    readonly version: string;
    readonly description: string;
    readonly license: { readonly name: string; readonly identifier: string };
  };
  readonly servers: readonly { readonly url: string; readonly description: string }[];
  readonly tags: readonly { readonly name: Endpoint['tag']; readonly description: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, JsonObject>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, JsonObject>> };
}

const description = `Tag-driven pipelines with automatic lineage: register **Plans** ("this command, given Data tagged so, makes Data tagged so"), push **Data**; every new combination that fits is run, exactly once.

* Every path answers with and without a trailing \`/\`. Another method than those below is a 405 with \`Allow\`.
* A body is read as JSON in UTF-8 whatever its \`Content-Type\`. Unknown fields and query parameters are ignored; \`null\` is as good as leaving a field out.
* Times are RFC 3339: on output with a numeric offset and milliseconds, never \`Z\`; on input any. Durations are as Go writes them.
* A tag is \`key:value\` on output, and on input also \`{"key", "value"}\`. Lists of tags are sorted.
* A malformed id is no such thing: 404. Fields without a value are left out.
* Wire compatible with Knitfab 1.6.`;

const tags: Readonly<Record<Endpoint['tag'], string>> = {
  Data: 'Immutable directory trees with tags',
  Plans: 'What is run, and for which Data',
  Runs: 'What was run, and what came of it',
  Lineage: 'What was made of what',
  Events: 'What changes, as it happens',
  System: 'The server itself',
};

/**
 * Describes the Web API as an OpenAPI 3.1 document, from the same endpoints that validate requests.
 * @param version of this implementation
 */
export function openApi(version: string): OpenApiDocument {
  const schemas = new Map<string, JsonObject>();
  const paths: Record<string, Record<string, JsonObject>> = {};
  for (const endpoint of Object.values<Endpoint>(endpoints)) {
    const path = endpoint.path.replaceAll(/:(\w+)/g, '{$1}');
    paths[path] = { ...paths[path], [endpoint.method.toLowerCase()]: operation(endpoint, schemas) };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Knitfab Web API',
      version,
      description,
      license: { name: 'Apache License 2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/', description: 'This server' }],
    tags: Object.entries(tags).map(([name, description]) => ({ name: name as Endpoint['tag'], description })),
    paths,
    components: { schemas: Object.fromEntries([...schemas].sort(([a], [b]) => (a < b ? -1 : 1))) },
  };
}

function operation(endpoint: Endpoint, schemas: Map<string, JsonObject>): JsonObject {
  const parameters = [
    ...parametersOf(endpoint.params, 'path', schemas),
    ...parametersOf(endpoint.query, 'query', schemas),
  ];
  const body = requestBody(endpoint, schemas);
  return {
    operationId: endpoint.operationId,
    tags: [endpoint.tag],
    summary: endpoint.summary,
    ...(parameters.length > 0 && { parameters }),
    ...(body && { requestBody: body }),
    responses: {
      [endpoint.response.status]: success(endpoint, schemas),
      ...Object.fromEntries(
        [...new Set([400, ...endpoint.errors, 500, 503])].map((status) => [status, failure(status, schemas)]),
      ),
    },
  };
}

function parametersOf(schema: z.ZodType, place: 'path' | 'query', schemas: Map<string, JsonObject>) {
  const { properties = {} } = schemaOf(schema, 'input', schemas) as {
    properties?: Record<string, JsonObject>;
  };
  return Object.entries(properties).map(([name, property]) => {
    // How a query parser hands a parameter over (text or a list of text) is no business of the reader's.
    const { anyOf, $ref, description, explode, ...described } = property;
    return {
      name,
      in: place,
      required: place === 'path',
      ...(description !== undefined && { description }),
      ...(explode !== undefined && { explode }),
      schema: $ref === undefined ? { type: 'string', ...described } : { $ref },
    };
  });
}

function requestBody(endpoint: Endpoint, schemas: Map<string, JsonObject>): JsonObject | undefined {
  const { body, bytes } = endpoint;
  if (!body && !bytes) return undefined;
  return {
    required: true,
    ...(bytes && { description: bytes.description }),
    content: {
      ...Object.fromEntries((bytes?.contentTypes ?? []).map((type) => [type, {}])),
      ...(body && { 'application/json': mediaType(body, 'input', schemas) }),
    },
  };
}

function success({ response }: Endpoint, schemas: Map<string, JsonObject>): JsonObject {
  const { schema, contentTypes, description } = response;
  const content = schema === undefined ? {} : mediaType(schema, 'output', schemas);
  return {
    description,
    ...(contentTypes.length > 0 && {
      content: Object.fromEntries(contentTypes.map((type) => [type, content])),
    }),
  };
}

const meanings: Record<number, string> = {
  400: 'The input is malformed',
  404: 'There is no such thing',
  409: 'The present state does not allow this',
  500: 'A defect of the server',
  503: 'Not now; try again later',
};

const failure = (status: number, schemas: Map<string, JsonObject>): JsonObject => ({
  description: meanings[status] ?? 'Error',
  content: { 'application/json': mediaType(errorBody, 'output', schemas) },
});

function mediaType(schema: z.ZodType, io: 'input' | 'output', schemas: Map<string, JsonObject>): JsonObject {
  const example = exampleOf(schema);
  return { schema: schemaOf(schema, io, schemas), ...(example !== undefined && { example }) };
}

/** The first example that a shape has, of lists with one item, of choices the first one. */
function exampleOf(schema: z.ZodType): unknown {
  if (schema instanceof z.ZodUnion) return exampleOf(schema.options[0] as z.ZodType);
  if (!(schema instanceof z.ZodArray))
    return (schema.meta()?.examples as readonly unknown[] | undefined)?.[0];
  const item = exampleOf(schema.element as z.ZodType);
  return item === undefined ? undefined : [item];
}

/** The schema of a value on the wire, by reference where it has a name; what it refers to goes to `schemas`. */
function schemaOf(schema: z.ZodType, io: 'input' | 'output', schemas: Map<string, JsonObject>): JsonObject {
  const { $schema, $defs, ...described } = z.toJSONSchema(schema, {
    io,
    target: 'draft-2020-12',
    override: ({ jsonSchema }) => {
      // Answers may get more fields in later versions.
      if (jsonSchema.additionalProperties === false) delete jsonSchema.additionalProperties;
      // Bounds that every integer of JavaScript has tell nothing.
      if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
      if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
    },
  });
  const definitions = pointingToComponents($defs ?? {}) as Record<string, JsonObject>;
  for (const [name, definition] of Object.entries(definitions)) {
    const { id, ...rest } = definition;
    schemas.set(name, rest);
  }
  return pointingToComponents(described) as JsonObject;
}

const pointingToComponents = (schema: unknown): unknown =>
  JSON.parse(JSON.stringify(schema).replaceAll('"#/$defs/', '"#/components/schemas/'));
