import ts from 'typescript';

/** The interface of the `stripe` package behind each `object`, as the API names it. */
const INTERFACES: Record<string, string> = {
  balance: 'Stripe.Balance',
  balance_transaction: 'Stripe.BalanceTransaction',
  charge: 'Stripe.Charge',
  'checkout.session': 'Stripe.Checkout.Session',
  customer: 'Stripe.Customer',
  dispute: 'Stripe.Dispute',
  event: 'Stripe.Event',
  invoice: 'Stripe.Invoice',
  item: 'Stripe.LineItem',
  payment_intent: 'Stripe.PaymentIntent',
  payment_method: 'Stripe.PaymentMethod',
  payout: 'Stripe.Payout',
  price: 'Stripe.Price',
  product: 'Stripe.Product',
  'radar.early_fraud_warning': 'Stripe.Radar.EarlyFraudWarning',
  refund: 'Stripe.Refund',
  setup_intent: 'Stripe.SetupIntent',
  'tax.registration': 'Stripe.Tax.Registration',
  tax_id: 'Stripe.TaxId',
  'test_helpers.test_clock': 'Stripe.TestHelpers.TestClock',
  webhook_endpoint: 'Stripe.WebhookEndpoint',
};

/** Says what is wrong with an object that came over the wire: nothing when it has the shape of the package's types. */
export interface StripeShapes {
  /** The values of `object` that can be checked. */
  readonly known: readonly string[];
  wrongIn(object: Record<string, unknown>): string[];
}

/**
 * Reads the types of the installed `stripe` package with the TypeScript checker, so that an upgrade of the package
 * changes what is expected. Takes some seconds.
 */
export function readStripeShapes(): StripeShapes {
  const file = `${__dirname}/shapes.ts`;
  const lines = Object.values(INTERFACES).map((name, index) => `export declare const shape${index}: ${name};`);
  const source = `import type Stripe from 'stripe';\n${lines.join('\n')}`;
  const options: ts.CompilerOptions = {
    ...{ strict: true, noEmit: true, skipLibCheck: true, types: [], target: ts.ScriptTarget.ES2022 },
    ...{ module: ts.ModuleKind.CommonJS, moduleResolution: ts.ModuleResolutionKind.Bundler, esModuleInterop: true },
  };
  const host = ts.createCompilerHost(options);
  const getSourceFile = host.getSourceFile.bind(host);
  host.getSourceFile = (name, target) =>
    name === file ? ts.createSourceFile(name, source, target) : getSourceFile(name, target);
  const program = ts.createProgram([file], options, host);
  const checker = program.getTypeChecker();
  const root = program.getSourceFile(file)!;
  const shapes = new Map<string, ts.Type>();
  const exported = checker.getExportsOfModule(checker.getSymbolAtLocation(root)!);
  for (const symbol of exported) {
    const name = Object.keys(INTERFACES)[Number(symbol.name.slice('shape'.length))] ?? '';
    shapes.set(name, checker.getTypeOfSymbolAtLocation(symbol, root));
  }
  const walk = new Walk(checker, root);
  return {
    known: Object.keys(INTERFACES),
    wrongIn: (object) => {
      const name = String(object['object']);
      const shape = shapes.get(name);
      return shape === undefined ? [`no interface is known for '${name}'`] : walk.check(object, shape, name);
    },
  };
}

class Walk {
  constructor(
    private readonly checker: ts.TypeChecker,
    private readonly where: ts.Node,
  ) {}

  /** What of `value` is not what `type` promises, as paths with reasons. */
  check(value: unknown, type: ts.Type, path: string): string[] {
    const parts = type.isUnion() ? this.alternatives(type, value) : [type];
    const answers = parts.map((part) => this.checkOne(value, part, path));
    if (answers.some((wrong) => wrong.length === 0)) return [];
    // Of the alternatives, the one that fits best is what was meant.
    const objects = typeof value === 'object' && value !== null;
    const meant = answers.filter((_, index) => !objects || isObject(parts[index]!));
    return (meant.length > 0 ? meant : answers).toSorted((a, b) => a.length - b.length)[0] ?? [];
  }

  /**
   * Of a union, what can be meant: where both have a literal `type` or `object`, it is the same. `string & {}` stands
   * for values that the package does not list (yet): where it lists some, the simulator answers with those only.
   */
  private alternatives(union: ts.UnionType, value: unknown): readonly ts.Type[] {
    const listed = union.types.filter(
      (part) => !part.isIntersection() || !union.types.some((one) => one.isStringLiteral()),
    );
    if (typeof value !== 'object' || value === null) return listed;
    const tags = (['type', 'object'] as const).map((tag) => [tag, (value as Record<string, unknown>)[tag]] as const);
    const meant = listed.filter((part) =>
      tags.every(([tag, own]) => {
        const property = this.checker.getPropertyOfType(part, tag);
        const promise = property && this.checker.getTypeOfSymbolAtLocation(property, this.where);
        return !promise?.isStringLiteral() || promise.value === own;
      }),
    );
    return meant.length > 0 ? meant : listed;
  }

  private checkOne(value: unknown, type: ts.Type, path: string): string[] {
    const wrong = [`${path} is ${shown(value)}, not ${this.checker.typeToString(type).slice(0, 80)}`];
    const fits = (does: boolean) => (does ? [] : wrong);
    if (type.flags & (ts.TypeFlags.Any | ts.TypeFlags.Unknown)) return [];
    if (type.flags & ts.TypeFlags.Null) return fits(value === null);
    if (type.flags & (ts.TypeFlags.Undefined | ts.TypeFlags.Void)) return fits(value === undefined);
    if (type.isStringLiteral() || type.isNumberLiteral()) return fits(value === type.value);
    if (type.flags & ts.TypeFlags.BooleanLiteral) return fits(String(value) === this.checker.typeToString(type));
    if (type.flags & ts.TypeFlags.String) return fits(typeof value === 'string');
    if (type.flags & ts.TypeFlags.Number) return fits(typeof value === 'number');
    // The package makes these of strings: https://github.com/stripe/stripe-node/blob/master/CHANGELOG.md
    if (type.aliasSymbol?.name === 'Decimal') return fits(typeof value === 'string');
    if (type.isIntersection()) return this.checkIntersection(value, type, path);
    if (this.checker.isArrayType(type)) {
      if (!Array.isArray(value)) return wrong;
      const [item] = this.checker.getTypeArguments(type as ts.TypeReference);
      return value.flatMap((one, index) => this.check(one, item!, `${path}[${index}]`));
    }
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return wrong;
    return this.checkObject(value as Record<string, unknown>, type, path);
  }

  /** `string & {}` is how the package says "or a value that is not listed yet"; others are all of their parts. */
  private checkIntersection(value: unknown, type: ts.IntersectionType, path: string): string[] {
    if (type.types.some((part) => part.flags & ts.TypeFlags.String)) {
      return this.checkOne(
        value,
        type.types.find((part) => part.flags & ts.TypeFlags.String)!,
        path,
      );
    }
    if (typeof value !== 'object' || value === null) return [`${path} is ${shown(value)}, not an object`];
    return this.checkObject(value as Record<string, unknown>, type, path);
  }

  /** Every promised field is there, no field is there that was not promised. */
  private checkObject(value: Record<string, unknown>, type: ts.Type, path: string): string[] {
    const wrong: string[] = [];
    const promised = new Set<string>();
    for (const property of this.checker.getPropertiesOfType(type)) {
      const { name } = property;
      promised.add(name);
      if (name === 'lastResponse') continue;
      const found = value[name];
      const optional = (property.flags & ts.SymbolFlags.Optional) !== 0;
      if (found === undefined && optional) continue;
      const promise = this.checker.getTypeOfSymbolAtLocation(property, this.where);
      wrong.push(...this.check(found, promise, `${path}.${name}`));
    }
    const index = this.checker.getIndexTypeOfType(type, ts.IndexKind.String);
    for (const [name, found] of Object.entries(value)) {
      if (promised.has(name)) continue;
      if (index === undefined) wrong.push(`${path}.${name} is not a field`);
      else wrong.push(...this.check(found, index, `${path}.${name}`));
    }
    return wrong;
  }
}

const isObject = (type: ts.Type): boolean => (type.flags & (ts.TypeFlags.Object | ts.TypeFlags.Intersection)) !== 0;

const shown = (value: unknown): string => JSON.stringify(value)?.slice(0, 60) ?? 'missing';
