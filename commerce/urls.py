"""The shop's addresses below /<slug>/. Codes may hold anything, a "#" is written %23."""

from django.urls import path

from commerce import views

app_name = "commerce"
urlpatterns = [
    path("products/", views.products, name="products"),
    path("products/<path:code>/", views.product, name="product"),
    path("compare/", views.compare, name="compare"),
    path("orders/", views.orders, name="orders"),
    path("orders/<path:code>/complaint/", views.complaint, name="complaint"),
    path("orders/<path:code>/return/", views.send_back, name="return"),
    path("orders/<path:code>/refund/", views.refund, name="refund"),
    path("orders/<path:code>/", views.order, name="order"),
]
