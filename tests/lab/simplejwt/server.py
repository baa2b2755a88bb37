"""Django REST framework with simplejwt, stateless, as its "Settings" and "Stateless User
Authentication" show it."""

import os
import sys

import django
from django.conf import settings

settings.configure(
    ALLOWED_HOSTS=["*"],
    DEBUG=False,
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "rest_framework"],
    ROOT_URLCONF=__name__,
    SECRET_KEY="this one signs nothing",
    USE_TZ=True,
    REST_FRAMEWORK={
        "DEFAULT_AUTHENTICATION_CLASSES": [
            "rest_framework_simplejwt.authentication.JWTStatelessUserAuthentication"
        ],
        "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
        "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    },
    SIMPLE_JWT={
        "ALGORITHM": "RS256",
        "VERIFYING_KEY": open(os.environ["LAB_KEYS"] + "/rs256.pem", encoding="utf-8").read(),
        "ISSUER": os.environ["LAB_ISSUER"],
        "AUDIENCE": os.environ["LAB_AUDIENCE"],
        "LEEWAY": int(os.environ["LAB_LEEWAY"]),
    },
)
django.setup()

from django.core.management import execute_from_command_line
from django.urls import path
from rest_framework.permissions import BasePermission, IsAuthenticated
from rest_framework.response import Response
from rest_framework.views import APIView


class Orders(APIView):
    def get(self, request, name):
        return Response({"name": name})


class HasScope(BasePermission):
    def has_permission(self, request, view):
        return "reports:read" in request.auth.get("scope", "").split()


class Reports(Orders):
    permission_classes = [IsAuthenticated, HasScope]


class IsNobody(BasePermission):
    def has_permission(self, request, view):
        return False


class Admin(Orders):
    permission_classes = [IsAuthenticated, IsNobody]


urlpatterns = [
    path("orders/<name>", Orders.as_view()),
    path("reports/<name>", Reports.as_view()),
    path("admin/<name>", Admin.as_view()),
]

execute_from_command_line(
    [sys.argv[0], "runserver", "--noreload", "--nothreading", f"127.0.0.1:{os.environ['LAB_PORT']}"]
)
