"""Defines animals and their visits."""

from django.db import models


class Animal(models.Model):
    name = models.CharField(max_length=100)
    owner_email = models.EmailField()

    def __str__(self):
        return self.name


class Visit(models.Model):
    animal = models.ForeignKey(Animal, on_delete=models.CASCADE)
    day = models.DateField()
    fee = models.DecimalField(max_digits=8, decimal_places=2, default=0)
    reminded = models.BooleanField(default=False)
    closed = models.BooleanField(default=False)
    task_id = models.CharField(max_length=100, blank=True)

    def __str__(self):
        return f"{self.animal} on {self.day}"
