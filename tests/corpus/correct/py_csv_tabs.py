# kind: module
# style: tabs as indentation, CSV-like lines to stdout and a progress text to stderr, SGD on a list of parameters
import csv
import sys

import matplotlib.pyplot as plt
import torch
import torch.nn as nn
import torch.optim as optim

from helper_functions import hits, read_npz


class CNN(nn.Module):
	def __init__(self, M_1, M_2, M_3, K, stride):
		super(CNN, self).__init__()
		self.K = K
		self.n = (M_2 - M_1) // stride + 1
		self.conv = nn.Conv2d(M_3, K, M_1, stride)
		self.relu = nn.ReLU()
		self.fc = nn.Linear(self.n * self.n * K, 10)

	def forward(self, x):
		z_1 = self.conv(x)
		v_1 = self.relu(z_1)
		u_2 = v_1.view(-1, self.n * self.n * self.K)
		return self.fc(u_2)


def prepare(filename):
	X, Y = read_npz(filename)
	print("#", filename, tuple(X.shape), tuple(Y.shape))
	onehot = torch.zeros(Y.shape[0], 10)
	onehot.scatter_(1, Y.view(-1, 1), 1)
	return X.view(-1, 1, 28, 28), Y, onehot


def run_batches(model, criterion, X, Y, onehot, batch_size, optimizer=None):
	loss_sum, hit_sum = 0.0, 0
	for first in range(0, X.shape[0], batch_size):
		last = min(first + batch_size, X.shape[0])
		y_hat = model(X[first:last])
		loss = criterion(y_hat, onehot[first:last])
		if optimizer is not None:
			optimizer.zero_grad()
			loss.backward()
			optimizer.step()
			if first % 1500 == 0:
				print("\r%6d / %6d" % (first, X.shape[0]), end="", file=sys.stderr)
		loss_sum += loss.item() * (last - first)
		hit_sum += hits(y_hat, Y[first:last])
	return loss_sum / X.shape[0], hit_sum / X.shape[0]


if __name__ == "__main__":
	train = prepare("data/train.npz")
	test = prepare("data/test.npz")

	model = CNN(8, 28, 1, 10, 2)
	criterion = nn.CrossEntropyLoss()
	optimizer = optim.SGD(list(model.parameters()), lr=0.01)

	writer = csv.writer(sys.stdout)
	writer.writerow(["epoch", "train_loss", "train_acc", "test_loss", "test_acc"])
	for epoch in range(1, 11):
		model.train()
		train_loss, train_acc = run_batches(model, criterion, *train, batch_size=30, optimizer=optimizer)
		model.eval()
		with torch.no_grad():
			test_loss, test_acc = run_batches(model, criterion, *test, batch_size=30)
		print("\r", end="", file=sys.stderr)
		writer.writerow([epoch] + ["%.4f" % v for v in (train_loss, train_acc, test_loss, test_acc)])

	fig = plt.figure()
	for k, kernel in enumerate(model.conv.weight.detach().numpy()):
		axis = fig.add_subplot(2, 5, k + 1)
		axis.imshow(kernel.reshape(8, 8), interpolation="nearest", cmap="gray")
		axis.set_xticks([])
		axis.set_yticks([])
	fig.savefig("filters.png")
