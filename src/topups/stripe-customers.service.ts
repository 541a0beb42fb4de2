import { Injectable } from '@nestjs/common';
import { CustomersService } from '../customers/customers.service';
import { StripeClient } from './stripe.client';

/** Our customers as Stripe knows them. */
@Injectable()
export class StripeCustomers {
  constructor(
    private readonly customers: CustomersService,
    private readonly stripe: StripeClient,
  ) {}

  /** The customer's id at Stripe, `cus_…`; made when it has none. @throws NotFoundError `customer_not_found` */
  async idOf(customerId: string): Promise<string> {
    const customer = await this.customers.get(customerId);
    if (customer.stripeCustomerId !== null) return customer.stripeCustomerId;
    return this.customers.setStripeCustomer(customerId, await this.stripe.createCustomer(customer));
  }
}
