import type { Model } from './model';
import type { Price } from './price';

/** Which model there is and which price applies to it at an instant. Immutable: a change makes a new book. */
export class PriceBook {
  private readonly models: ReadonlyMap<string, Model>;
  private readonly prices: ReadonlyMap<string, readonly Price[]>;

  constructor(models: readonly Model[], prices: readonly Price[]) {
    this.models = new Map(models.map((model) => [model.id, model]));
    const newestFirst = prices.toSorted((a, b) => b.effectiveFrom.getTime() - a.effectiveFrom.getTime());
    this.prices = new Map(models.map((model) => [model.id, newestFirst.filter((price) => price.modelId === model.id)]));
  }

  model(id: string): Model | undefined {
    return this.models.get(id);
  }

  /** The newest price in force at `instant`; a price takes effect at its very first millisecond. */
  priceAt(modelId: string, instant: Date): Price | undefined {
    return this.prices.get(modelId)?.find((price) => price.effectiveFrom.getTime() <= instant.getTime());
  }

  /** Every model, by name, with its price at `instant` if it has one. */
  configured(instant: Date): { model: Model; price: Price | undefined }[] {
    return [...this.models.values()]
      .map((model) => ({ model, price: this.priceAt(model.id, instant) }))
      .toSorted((a, b) => a.model.id.localeCompare(b.model.id));
  }

  /** Models that have a price at `instant`, by name. */
  offered(instant: Date): { model: Model; price: Price }[] {
    return this.configured(instant).filter(
      (offer): offer is { model: Model; price: Price } => offer.price !== undefined,
    );
  }
}
