import { catalogService } from '@kelid/catalog/service';
import { identityService } from '@kelid/identity/service';
import { inventoryService } from '@kelid/inventory/service';
import { notificationsService } from '@kelid/notifications/service';
import { ordersService } from '@kelid/orders/service';
import { paymentsService } from '@kelid/payments/service';
import type { AnyService } from '@kelid/service/define-service';

/** Every service this program can host. A new service adds its line here. */
export const allServices: readonly AnyService[] = [
  identityService,
  catalogService,
  ordersService,
  paymentsService,
  inventoryService,
  notificationsService,
];
